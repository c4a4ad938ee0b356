import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { Secret } from '../policy/secret.ts';
import { allCredentials, CredentialsError, forSetting } from './credentialsError.ts';
import type { RevocationList } from './revocationList.ts';
import { isRevoked, loadRevocations } from './revocations.ts';
import { isNear } from './nearEnd.ts';
import { readKeyFile, readPemFile } from './pemFile.ts';

interface Credentials {
  /** Own certificate and all above it that is in the files; PEM. */
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
  /** When the first authority's CRL expires and its peers are refused, milliseconds since 1970; 0 if one has none. */
  readonly crlNextUpdate?: number;
  /** Authorities whose every peer is refused, for want of a CRL that holds: one sentence each. */
  readonly shutOut: readonly string[];
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

/** Reads and checks a gateway's files; throws as `allCredentials`. */
export async function loadGatewayCredentials(
  files: GatewayFiles,
  now: number = Date.now(),
): Promise<GatewayCredentials> {
  const trusted = forSetting('clientCa', loadAuthorities(files.clientCa, now));
  // what is wrong with the other files is told as well
  const authorities = await trusted.then(
    (found) => found.authorities,
    () => [],
  );
  const [{ ca, warnings }, own, crl] = await allCredentials([
    trusted,
    loadOwn(files, SERVER_AUTH, authorities, now),
    files.crl === undefined ? undefined : forSetting('crl', loadCrl(files.crl, authorities, now)),
  ]);
  const onOwnList = isRevoked(new X509Certificate(own.cert), authorities, crl?.lists ?? [])
    ? [
        `${files.cert}: is on the revocation list ${files.crl}, but whoever dials it looks at no list, and takes it until it ends: issue a new certificate; if the key was stolen, that needs a new authority`,
      ]
    : [];
  return {
    ...own,
    ca,
    authorities,
    ...(crl && { crl: crl.pem.map((pem) => Buffer.from(pem)), revocations: crl.lists }),
    ...(crl?.nextUpdate !== undefined && { crlNextUpdate: crl.nextUpdate }),
    shutOut: crl?.shutOut ?? [],
    warnings: [...own.warnings, ...warnings, ...(crl?.warnings ?? []), ...onOwnList],
  };
}

/** Reads and checks a stub's files; throws as `allCredentials`. */
export async function loadStubCredentials(
  files: StubFiles,
  now: number = Date.now(),
): Promise<StubCredentials> {
  const trusted = forSetting('ca', loadAuthorities(files.ca, now));
  const authorities = await trusted.then(
    (found) => found.authorities,
    () => [],
  );
  const [{ ca, warnings }, own] = await allCredentials([
    trusted,
    loadOwn(files, CLIENT_AUTH, authorities, now),
  ]);
  return { ...own, ca, warnings: [...own.warnings, ...warnings] };
}

/** Extended key usages (RFC 5280 §4.2.1.12). */
const SERVER_AUTH = { oid: '1.3.6.1.5.5.7.3.1', name: 'server' };
const CLIENT_AUTH = { oid: '1.3.6.1.5.5.7.3.2', name: 'client' };

async function loadOwn(
  files: { readonly cert: string; readonly key: string },
  usage: typeof SERVER_AUTH,
  authorities: readonly X509Certificate[],
  now: number,
): Promise<Pick<Credentials, 'cert' | 'key' | 'notAfter' | 'warnings'>> {
  const [{ pem, certificates }, { keyPem, key }] = await allCredentials([
    loadCertificates(files.cert),
    forSetting('key', loadKey(files.key)),
  ]);
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
  const warnings = isNear(notAfter, now)
    ? [`${files.cert}: ends at ${leaf.validTo}: issue a new certificate before`]
    : [];
  const chain = certificates.length > 1 ? pem : [leaf, ...above(leaf, authorities)].join('');
  return { cert: Buffer.from(chain), key: new Secret(Buffer.from(keyPem)), notAfter, warnings };
}

/**
 * The authorities over a certificate that has nothing else in its file. OpenSSL sends them along in any case, but would look
 * for them, and verify what it finds, in each handshake.
 */
function above(certificate: X509Certificate, authorities: readonly X509Certificate[]): X509Certificate[] {
  const found: X509Certificate[] = [];
  let top = certificate;
  while (!top.checkIssued(top)) {
    const issuer = authorities.find((one) => top.checkIssued(one) && top.verify(one.publicKey));
    if (issuer === undefined || found.includes(issuer)) break;
    found.push(issuer);
    top = issuer;
  }
  return found;
}

async function loadKey(file: string): Promise<{ keyPem: string; key: KeyObject }> {
  const keyPem = await readKeyFile(file);
  return { keyPem, key: parseKey(file, keyPem) };
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
  const warnings = certificates.flatMap(({ serialNumber, validTo }) => {
    const authority = `${file}: the authority with serial ${serialNumber}`;
    const end = Date.parse(validTo);
    if (!(now <= end)) return `${authority} expired at ${validTo}; its peers are refused until it is renewed`;
    return isNear(end, now) ? `${authority} ends at ${validTo}; its peers are refused from then on` : [];
  });
  return { ca: Buffer.from(pem), authorities: certificates, warnings };
}

async function loadCrl(file: string, authorities: readonly X509Certificate[], now: number) {
  const crl = await loadRevocations(file, authorities, now);
  for (const pem of crl.pem) checkWithOpenSsl(file, { crl: pem });
  return crl;
}

/** Its refusals (a key that is too short, a damaged entry) shall come now and not when the listener takes the files. */
function checkWithOpenSsl(file: string, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new CredentialsError(file, `OpenSSL does not accept it: ${(cause as Error).message}`, { cause });
  }
}
