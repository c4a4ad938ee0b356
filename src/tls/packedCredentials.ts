import { X509Certificate } from 'node:crypto';
import { Secret } from '../policy/secret.ts';
import type { GatewayCredentials, StubCredentials } from './credentials.ts';
import { RevocationList } from './revocationList.ts';

/** Credentials in plain data, for another process of ours: the private key is in it, so it goes nowhere else. */
export type PackedStubCredentials = Omit<StubCredentials, 'key'> & { readonly key: Uint8Array };
export type PackedGatewayCredentials = Omit<GatewayCredentials, 'key' | 'authorities' | 'revocations'> & {
  readonly key: Uint8Array;
};

export function packGatewayCredentials(credentials: GatewayCredentials): PackedGatewayCredentials {
  const { key, authorities: _, revocations: __, ...plain } = credentials;
  return { ...plain, key: key.reveal() };
}

/** What was parsed out of PEM is parsed again; it has been found good. */
export function unpackGatewayCredentials(packed: PackedGatewayCredentials): GatewayCredentials {
  const { key, ...plain } = packed;
  const authorities = plain.ca.toString('latin1').match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g);
  return {
    ...plain,
    key: new Secret(key),
    authorities: (authorities ?? []).map((pem) => new X509Certificate(pem)),
    ...(plain.crl && { revocations: plain.crl.map((pem) => new RevocationList(pem.toString('latin1'))) }),
  };
}

export function packStubCredentials({ key, ...plain }: StubCredentials): PackedStubCredentials {
  return { ...plain, key: key.reveal() };
}

export function unpackStubCredentials({ key, ...plain }: PackedStubCredentials): StubCredentials {
  return { ...plain, key: new Secret(key) };
}
