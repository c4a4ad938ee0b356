import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateAndKey } from './certificate.ts';
import { createCrl, type RevokedCertificate } from './createCrl.ts';
import { exists, replace } from './files.ts';
import { withLock } from './lock.ts';
import { PkiError } from './pkiError.ts';
import { readCrl, type Crl } from './readCrl.ts';
import { normalSerial, typedSerial } from './serial.ts';
import { readAuthority, storeFiles } from './store.ts';

export interface CrlRenewal {
  readonly crlFile: string;
  readonly number: number;
  readonly nextUpdate: Date;
}

export interface Revocation {
  readonly crlFile: string;
  /** Hex, as `X509Certificate.serialNumber` shows it. */
  readonly serial: string;
  readonly revokedAt: Date;
  /** Absent if there was none to compare: a serial number alone is taken as it is given. */
  readonly certificate?: X509Certificate;
  /** Absent if the certificate was on the list already, which then stays as it is. */
  readonly renewal?: CrlRenewal;
}

interface RenewOptions {
  /** Days until a newer CRL is due; as long as the old one had unless told. */
  readonly crlDays?: number;
  readonly now?: Date;
}

/**
 * Puts a certificate on the directory's CRL: one that `issue` has named so, one in a file, or a serial number
 * in hex. Two at once both get onto the list.
 */
export async function revoke(
  directory: string,
  which: string,
  options: RenewOptions = {},
): Promise<Revocation> {
  const { crlFile } = storeFiles(directory);
  const authority = await readAuthority(directory);
  const found = await find(directory, which, new X509Certificate(authority.certPem));
  return withLock(crlFile, async () => {
    const crl = await readCrlFile(directory, authority.certPem);
    const before = crl.revoked.find((entry) => entry.serial === found.serial);
    if (before) return { crlFile, ...found, revokedAt: before.revokedAt };
    const revokedAt = options.now ?? new Date();
    const revoked = [...crl.revoked, { serial: found.serial, revokedAt }];
    const renewal = await install(crlFile, authority, crl, revoked, options);
    return { crlFile, ...found, revokedAt, renewal };
  });
}

/** Signs the directory's CRL anew, with the same entries and later dates. */
export async function renewCrl(directory: string, options: RenewOptions = {}): Promise<CrlRenewal> {
  const { crlFile } = storeFiles(directory);
  const authority = await readAuthority(directory);
  return withLock(crlFile, async () => {
    const crl = await readCrlFile(directory, authority.certPem);
    return install(crlFile, authority, crl, crl.revoked, options);
  });
}

/** The directory's CRL, if its authority (certificate, PEM) signed it. */
export async function readCrlFile(directory: string, authorityPem: string): Promise<Crl> {
  const { crlFile } = storeFiles(directory);
  let pem;
  try {
    pem = await readFile(crlFile, 'utf8');
  } catch (cause) {
    throw new PkiError(
      `${crlFile} cannot be read (${(cause as Error).message}): bring back the list that the gateway has, ` +
        'for an empty one would let in everybody who was revoked',
      { cause },
    );
  }
  try {
    return readCrl(pem, authorityPem);
  } catch (cause) {
    throw cause instanceof PkiError ? new PkiError(`${crlFile} ${cause.message}`, { cause }) : cause;
  }
}

/** True if the authority's key and name are those that the certificate says signed it. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

const DAY = 86_400_000;

async function install(
  crlFile: string,
  authority: CertificateAndKey,
  old: Crl,
  revoked: readonly RevokedCertificate[],
  { crlDays, now = new Date() }: RenewOptions,
): Promise<CrlRenewal> {
  const number = old.number + 1;
  const nextUpdateDays = crlDays ?? daysOf(old, crlFile);
  const pem = createCrl({ authority, revoked, number, nextUpdateDays, now });
  const { nextUpdate } = readCrl(pem, authority.certPem);
  await replace(crlFile, pem);
  return { crlFile, number, nextUpdate: nextUpdate! };
}

/** In whole days, and one at the least. */
function daysOf({ thisUpdate, nextUpdate }: Crl, crlFile: string): number {
  if (nextUpdate) return Math.max(1, Math.round((nextUpdate.getTime() - thisUpdate.getTime()) / DAY));
  throw new PkiError(`${crlFile} does not say how long it is valid: give --crl-days`);
}

async function find(
  directory: string,
  which: string,
  authority: X509Certificate,
): Promise<Pick<Revocation, 'serial' | 'certificate'>> {
  const file = await certificateFile(directory, which);
  const certificate = file === undefined ? undefined : await readIssued(file, authority);
  const serial = certificate === undefined ? typedSerial(which) : normalSerial(certificate.serialNumber);
  if (serial === undefined) throw new PkiError(notFound(directory, which));
  if (serial === normalSerial(authority.serialNumber)) {
    throw new PkiError(
      `${which} is the authority itself, which cannot revoke itself: make a new one in another directory`,
    );
  }
  return { serial, ...(certificate && { certificate }) };
}

/** A name in the directory goes before a path, and both before a serial number. */
async function certificateFile(directory: string, which: string): Promise<string | undefined> {
  const named = join(directory, `${which}.crt`);
  if (/^[^/\\\0]+$/.test(which) && (await exists(named))) return named;
  return which !== '' && !which.includes('\0') && (await exists(which)) ? which : undefined;
}

async function readIssued(file: string, authority: X509Certificate): Promise<X509Certificate> {
  let certificate;
  try {
    certificate = new X509Certificate(await readFile(file));
  } catch (cause) {
    throw new PkiError(
      `${file} holds no certificate (${(cause as Error).message}): name the file that ends in .crt`,
      { cause },
    );
  }
  if (isIssuedBy(certificate, authority)) return certificate;
  throw new PkiError(
    `${file} is not signed by the authority here (${oneLine(authority.subject)}): only its own can revoke it`,
  );
}

function notFound(directory: string, which: string): string {
  const shown = JSON.stringify(which);
  const hint = /^[0-9a-f]{1,15}$/i.test(which) ? ` (if it is a serial number, write 0x${which})` : '';
  return (
    `${shown} is neither a certificate in ${directory} nor a file${hint}: name one of ` +
    '`sangate pki list`, or give the serial number in hex, as the gateway logs it'
  );
}

const oneLine = (subject: string): string => subject.replaceAll(/\p{C}+/gu, ', ');
