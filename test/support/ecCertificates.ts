import type { PemPair } from './certificates.ts';
import { mint } from './minting.ts';

/** An EC authority and a client certificate of it, as other tools than `sangate pki` make them. */
export function ecPki(): { ca: string; client: PemPair } {
  const authority = mint('EC CA', { kind: 'ec', ca: true });
  return { ca: authority.cert, client: mint('ec1', { kind: 'ec', issuer: authority }) };
}
