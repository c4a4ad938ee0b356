import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, type AuthorityOptions } from './authority.ts';
import type { CertificateAndKey } from './certificate.ts';
import { createCrl } from './createCrl.ts';
import { exists, writeNew, writeOver } from './files.ts';
import { issueCertificate, type LeafOptions } from './issue.ts';
import { PkiError } from './pkiError.ts';

export interface StoreOptions extends AuthorityOptions {
  /** Days until a newer CRL is due. */
  readonly crlDays: number;
}

export interface StoreFiles {
  readonly caFile: string;
  readonly caKeyFile: string;
  readonly crlFile: string;
}

export interface IssuedFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * Makes a directory (0700) with a new CA and its empty CRL: ca.crt, ca.key, ca.crl. Never overwrites: a CA
 * that is lost takes every certificate with it.
 */
export async function initStore(directory: string, options: StoreOptions): Promise<StoreFiles> {
  const files = storeFiles(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const file of [files.caFile, files.caKeyFile, files.crlFile]) {
    if (await exists(file)) {
      throw new PkiError(`${file} exists: this directory has an authority; name another directory`);
    }
  }
  const authority = await createAuthority(options);
  const crl = createCrl({
    authority,
    revoked: [],
    number: 1,
    nextUpdateDays: options.crlDays,
    ...(options.now && { now: options.now }),
  });
  await writeNew(files.caKeyFile, authority.keyPem, 0o600);
  await writeNew(files.caFile, authority.certPem, 0o644);
  await writeNew(files.crlFile, crl, 0o644);
  return files;
}

/**
 * Issues `<name>.crt` and `<name>.key` (0600) with the directory's CA; the common name is the name unless
 * told. Overwrites only with `force`.
 */
export async function issueInto(
  directory: string,
  name: string,
  options: Omit<LeafOptions, 'commonName'> & { readonly commonName?: string; readonly force?: boolean },
): Promise<IssuedFiles> {
  const { certFile, keyFile } = issuedFiles(directory, name);
  const { force = false, ...leaf } = options;
  if (!force) {
    for (const file of [certFile, keyFile]) {
      if (await exists(file)) {
        throw new PkiError(`${file} exists: choose another name, or replace it with --force`);
      }
    }
  }
  const authority = await readAuthority(directory);
  const { certPem, keyPem } = await issueCertificate({ commonName: name, ...leaf, authority });
  const write = force ? writeOver : writeNew;
  await write(keyFile, keyPem, 0o600);
  await write(certFile, certPem, 0o644);
  return { certFile, keyFile };
}

/** Where a directory has its authority. */
export function storeFiles(directory: string): StoreFiles {
  return {
    caFile: join(directory, 'ca.crt'),
    caKeyFile: join(directory, 'ca.key'),
    crlFile: join(directory, 'ca.crl'),
  };
}

function issuedFiles(directory: string, name: string): IssuedFiles {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) {
    throw new PkiError(
      `${JSON.stringify(name)} cannot name a file here: a-z, 0-9, dot, hyphen and underscore, ` +
        'up to 64, beginning with a letter or digit',
    );
  }
  if (name === 'ca') throw new PkiError('"ca" is the authority itself: choose another name');
  return { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) };
}

/** The directory's CA with its key, as read. */
export async function readAuthority(directory: string): Promise<CertificateAndKey> {
  const { caFile, caKeyFile } = storeFiles(directory);
  try {
    return { certPem: await readFile(caFile, 'utf8'), keyPem: await readFile(caKeyFile, 'utf8') };
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'has no authority' : 'cannot be read';
    throw new PkiError(
      `${directory} ${reason} (${(cause as Error).message}): make one with \`sangate pki init\``,
      { cause },
    );
  }
}
