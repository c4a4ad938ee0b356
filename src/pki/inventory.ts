import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PkiError } from './pkiError.ts';
import type { Crl } from './readCrl.ts';
import { isIssuedBy, readCrlFile } from './revocation.ts';
import { normalSerial } from './serial.ts';
import { storeFiles } from './store.ts';

export interface ListedCertificate {
  /** Of the file, without ending; what `revoke` takes. */
  readonly name: string;
  readonly file: string;
  readonly certificate: X509Certificate;
  /** Hex, as the CRL lists it. */
  readonly serial: string;
  /** False for one that came from elsewhere, of which this CRL says nothing. */
  readonly ours: boolean;
  readonly revokedAt?: Date;
}

export interface Inventory {
  readonly authority: X509Certificate;
  readonly crlFile: string;
  readonly crl: Crl;
  /** By name. */
  readonly certificates: readonly ListedCertificate[];
  /** Files that end in .crt and hold no certificate. */
  readonly unreadable: readonly string[];
}

/** What a directory has: its authority, its CRL and every `*.crt`. Needs no private key. */
export async function inventory(directory: string): Promise<Inventory> {
  const { caFile, crlFile } = storeFiles(directory);
  const authority = await readCertificate(caFile);
  const crl = await readCrlFile(directory, authority.toString());
  const revokedAt = new Map(crl.revoked.map((entry) => [entry.serial, entry.revokedAt]));
  const certificates: ListedCertificate[] = [];
  const unreadable: string[] = [];
  for (const file of await certificateFiles(directory, caFile)) {
    try {
      certificates.push(listed(file, await readCertificate(file.path), authority, revokedAt));
    } catch (error) {
      if (!(error instanceof PkiError)) throw error;
      unreadable.push(file.path);
    }
  }
  return { authority, crlFile, crl, certificates, unreadable };
}

/** The file of the directory's certificate with this SHA-256 fingerprint: hex, colons or none. @throws PkiError if there is none */
export async function fileOfFingerprint(directory: string, fingerprint: string): Promise<string> {
  const sought = withoutColons(fingerprint);
  const { certificates } = await inventory(directory);
  const found = certificates.find(({ certificate }) => withoutColons(certificate.fingerprint256) === sought);
  if (found !== undefined) return found.file;
  throw new PkiError(
    `no certificate in ${directory} has the fingerprint ${sought}: give its serial number, which stands beside it in the gateway's log`,
  );
}

const withoutColons = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

interface CertificateFile {
  readonly name: string;
  readonly path: string;
}

async function certificateFiles(directory: string, caFile: string): Promise<CertificateFile[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith('.crt'))
    .sort()
    .map((name) => ({ name: name.slice(0, -'.crt'.length), path: join(directory, name) }))
    .filter(({ path }) => path !== caFile);
}

function listed(
  { name, path }: CertificateFile,
  certificate: X509Certificate,
  authority: X509Certificate,
  revocations: ReadonlyMap<string, Date>,
): ListedCertificate {
  const serial = normalSerial(certificate.serialNumber);
  const ours = isIssuedBy(certificate, authority);
  const revokedAt = ours ? revocations.get(serial) : undefined;
  return { name, file: path, certificate, serial, ours, ...(revokedAt && { revokedAt }) };
}

async function readCertificate(file: string): Promise<X509Certificate> {
  try {
    return new X509Certificate(await readFile(file));
  } catch (cause) {
    const hint =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? ': make one with `sangate pki init`' : '';
    throw new PkiError(`${file} cannot be read as a certificate (${(cause as Error).message})${hint}`, {
      cause,
    });
  }
}
