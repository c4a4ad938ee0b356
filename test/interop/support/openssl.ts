import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runOk } from './process.ts';
import type { Resources } from './resources.ts';
import { GATEWAY_NAME, INITIATOR_URI, type Certificates, type KeyPair } from './sangate.ts';

/** A CA, the gateway's and the initiator's certificate, all on the curve P-256, made by the openssl command. */
export async function issueEcCertificates(opened: Resources): Promise<Certificates> {
  const directory = await opened.directory();
  const file = (name: string): string => path.join(directory, name);
  const ca = { cert: file('ca.crt'), key: file('ca.key') };
  await openssl('req', '-x509', ...newKey(ca.key), '-out', ca.cert, '-subj', '/CN=interop CA', '-days', '2');

  const issue = async (name: string, usage: string, subjectAltName: string): Promise<KeyPair> => {
    const pair = { cert: file(`${name}.crt`), key: file(`${name}.key`) };
    await writeFile(
      file(`${name}.ext`),
      [
        'basicConstraints = critical, CA:FALSE',
        'keyUsage = critical, digitalSignature',
        `extendedKeyUsage = ${usage}`,
        `subjectAltName = ${subjectAltName}`,
      ].join('\n'),
    );
    const request = file(`${name}.csr`);
    await openssl('req', ...newKey(pair.key), '-out', request, '-subj', `/CN=${name}`);
    const signer = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-days', '2'];
    await openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...signer,
      '-extfile',
      file(`${name}.ext`),
      '-out',
      pair.cert,
    );
    return pair;
  };
  return {
    ca: ca.cert,
    gateway: await issue('gateway', 'serverAuth', `DNS:${GATEWAY_NAME}, IP:127.0.0.1`),
    initiator: await issue('db1', 'clientAuth', `URI:${INITIATOR_URI}`),
  };
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file];
}

async function openssl(...args: string[]): Promise<void> {
  await runOk('openssl', args);
}
