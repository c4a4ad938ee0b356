import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { Secret } from '../policy/secret.ts';
import { CredentialsError } from './credentialsError.ts';
import { RevocationList } from './crl.ts';
import { readKeyFile, readPemFile } from './pemFile.ts';

interface Credentials {
  /** Own certificate and the intermediates that belong to it; PEM. */
  readonly cert: Buffer;
  /** Own private key; PEM. */
  readonly key: Secret;
  /** Authorities whose certificates the peer may carry; PEM. */
  readonly ca: Buffer;
  /** End of the own certificate, milliseconds since 1970. */
  readonly notAfter: number;
  /** What works now or fails closed, but wants the operator's attention. */
  readonly warnings: readonly string[];
}

export interface GatewayCredentials extends Credentials {
  /** Those of `ca`. */
  readonly authorities: readonly X509Certificate[];
  /** One PEM block each: Node reads no more than one from a buffer. */
  readonly crl?: readonly Buffer[];
  /** Those of `crl`; absent: nobody is revoked. */
  readonly revocations?: readonly RevocationList[];
  /** When the first of the CRLs expires and its peers are refused, milliseconds since 1970. */
  readonly crlNextUpdate?: number;
}

export type StubCredentials = Credentials;

export interface GatewayFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
  readonly crl?: string;
}

export interface StubFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Reads and checks a gateway's files; throws `CredentialsError`. */
export async function loadGatewayCredentials(
  files: GatewayFiles,
  now: number = Date.now(),
): Promise<GatewayCredentials> {
  const own = await loadOwn(files, SERVER_AUTH, now);
  const { ca, authorities, warnings } = await loadAuthorities(files.clientCa, now);
  if (files.crl === undefined) return { ...own, ca, authorities, warnings };
  const crl = await loadCrl(files.crl, authorities, now);
  return {
    ...own,
    ca,
    authorities,
    crl: crl.pem,
    revocations: crl.lists,
    ...(crl.nextUpdate !== undefined && { crlNextUpdate: crl.nextUpdate }),
    warnings: [...warnings, ...crl.warnings],
  };
}

/** Reads and checks a stub's files; throws `CredentialsError`. */
export async function loadStubCredentials(
  files: StubFiles,
  now: number = Date.now(),
): Promise<StubCredentials> {
  const own = await loadOwn(files, CLIENT_AUTH, now);
  const { ca, warnings } = await loadAuthorities(files.ca, now);
  return { ...own, ca, warnings };
}

/** Extended key usages (RFC 5280 §4.2.1.12). */
const SERVER_AUTH = { oid: '1.3.6.1.5.5.7.3.1', name: 'server' };
const CLIENT_AUTH = { oid: '1.3.6.1.5.5.7.3.2', name: 'client' };

async function loadOwn(
  files: { readonly cert: string; readonly key: string },
  usage: typeof SERVER_AUTH,
  now: number,
): Promise<Pick<Credentials, 'cert' | 'key' | 'notAfter'>> {
  const { pem, certificates } = await loadCertificates(files.cert);
  const keyPem = await readKeyFile(files.key);
  const key = parseKey(files.key, keyPem);
  const leaf = certificates[0]!;
  if (!leaf.checkPrivateKey(key)) {
    throw new CredentialsError(
      files.key,
      `does not belong to the first certificate in ${files.cert}: give the pair that was issued together, own certificate first`,
    );
  }
  const purposes = leaf.keyUsage as string[] | undefined;
  if (purposes && !purposes.includes(usage.oid)) {
    throw new CredentialsError(
      files.cert,
      `was not issued as a ${usage.name} certificate: issue one with that usage`,
    );
  }
  const notAfter = Date.parse(leaf.validTo);
  if (!(now <= notAfter)) {
    throw new CredentialsError(files.cert, `expired at ${leaf.validTo}: issue a new certificate`);
  }
  checkWithOpenSsl(files.cert, { cert: pem, key: keyPem });
  return { cert: Buffer.from(pem), key: new Secret(Buffer.from(keyPem)), notAfter };
}

function parseKey(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const problem = /ENCRYPTED/.test(pem)
      ? `is encrypted: decrypt it with \`openssl pkey -in ${file} -out plain.key\` and guard it by its mode`
      : `holds a private key that cannot be read (${(cause as Error).message})`;
    throw new CredentialsError(file, problem, { cause });
  }
}

async function loadCertificates(file: string): Promise<{ pem: string; certificates: X509Certificate[] }> {
  const blocks = await readPemFile(file, /^CERTIFICATE$/, 'certificate');
  const certificates = blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new CredentialsError(file, `certificate ${index + 1} in it is damaged: copy the file again`, {
        cause,
      });
    }
  });
  return { pem: blocks.join(''), certificates };
}

async function loadAuthorities(
  file: string,
  now: number,
): Promise<{ ca: Buffer; authorities: X509Certificate[]; warnings: string[] }> {
  const { pem, certificates } = await loadCertificates(file);
  const stray = certificates.find((certificate) => !certificate.ca);
  if (stray) {
    throw new CredentialsError(
      file,
      `holds a certificate that is no authority (serial ${stray.serialNumber}): name the file with the CA`,
    );
  }
  const warnings = certificates
    .filter((certificate) => !(now <= Date.parse(certificate.validTo)))
    .map(
      ({ serialNumber, validTo }) =>
        `${file}: the authority with serial ${serialNumber} expired at ${validTo}; its peers are refused until it is renewed`,
    );
  return { ca: Buffer.from(pem), authorities: certificates, warnings };
}

async function loadCrl(
  file: string,
  authorities: readonly X509Certificate[],
  now: number,
): Promise<{ pem: Buffer[]; lists: RevocationList[]; nextUpdate: number | undefined; warnings: string[] }> {
  const blocks = await readPemFile(file, /^X509 CRL$/, 'CRL');
  const lists = blocks.map((block) => parseCrl(file, block));
  const expiries = lists.flatMap(({ nextUpdate }) => nextUpdate ?? []);
  const expired = expiries
    .filter((at) => at < now)
    .map(
      (at) =>
        `${file}: a CRL expired at ${new Date(at).toISOString()}; every peer of its authority is refused until a newer one is here`,
    );
  const uncovered = authorities
    .filter((authority) => !lists.some((crl) => crl.isSignedBy(authority)))
    .map(
      ({ serialNumber }) =>
        `${file}: no CRL in it is signed by the authority with serial ${serialNumber}; its peers are refused until there is one`,
    );
  for (const block of blocks) checkWithOpenSsl(file, { crl: block });
  return {
    pem: blocks.map((block) => Buffer.from(block)),
    lists,
    nextUpdate: expiries.length > 0 ? Math.min(...expiries) : undefined,
    warnings: [...expired, ...uncovered],
  };
}

function parseCrl(file: string, block: string): RevocationList {
  try {
    return new RevocationList(block);
  } catch (cause) {
    const { message } = cause as Error;
    const problem =
      cause instanceof RangeError
        ? `holds a damaged CRL (${message}): fetch it again`
        : `holds a CRL that ${message}`;
    throw new CredentialsError(file, problem, { cause });
  }
}

/** Its refusals (a key that is too short, a damaged entry) shall come now and not when the listener takes the files. */
function checkWithOpenSsl(file: string, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new CredentialsError(file, `OpenSSL does not accept it: ${(cause as Error).message}`, { cause });
  }
}
