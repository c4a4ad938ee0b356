import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Resources } from '../../test/interop/support/resources.ts';
import { mint } from '../../test/support/minting.ts';

/** The common name of the gateway's certificate. */
export const GATEWAY_NAME = 'gateway.test';

/** The common name of the initiator's. */
export const INITIATOR_NAME = 'bench1';

/** What every pair of tunnels offers and takes, so that none has it cheaper. */
export const CIPHER = 'TLS_AES_128_GCM_SHA256';

/** Paths of PEM files; `pair` is certificate and key in one, as HAProxy wants them. */
export interface Certificates {
  readonly ca: string;
  readonly gateway: Files;
  readonly initiator: Files;
}

interface Files {
  readonly cert: string;
  readonly key: string;
  readonly pair: string;
}

/** A CA, the gateway's and the initiator's certificate, all on P-256. */
export async function mintCertificates(opened: Resources): Promise<Certificates> {
  const directory = await opened.directory();
  const authority = mint('bench CA', { kind: 'ec', ca: true });
  const ca = path.join(directory, 'ca.crt');
  await writeFile(ca, authority.cert);
  const issue = async (name: string): Promise<Files> => {
    const { cert, key } = mint(name, { kind: 'ec', issuer: authority });
    const at = (ending: string): string => path.join(directory, `${name}.${ending}`);
    const files = { cert: at('crt'), key: at('key'), pair: at('pem') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key, { mode: 0o600 });
    await writeFile(files.pair, cert + key, { mode: 0o600 });
    return files;
  };
  return { ca, gateway: await issue(GATEWAY_NAME), initiator: await issue(INITIATOR_NAME) };
}
