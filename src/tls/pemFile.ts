import { open } from 'node:fs/promises';
import { secretFileProblem, secretFileRemedy } from '../policy/secretFileMode.ts';
import { CredentialsError } from './credentialsError.ts';

/** Far above any chain or bundle, and enough for a CRL of half a million certificates; bytes. */
const MAX_FILE = 32 * 1024 * 1024;

/** Reads a file's PEM blocks with this label (RFC 7468), each with its BEGIN and END line; at least one. */
export async function readPemFile(file: string, label: RegExp, what: string): Promise<string[]> {
  return blocks(file, await readSmallFile(file, () => {}), label, what);
}

/** Reads the one private key of a file that only its owner, and perhaps its group, may read. */
export async function readKeyFile(file: string): Promise<string> {
  const text = await readSmallFile(file, (mode) => {
    // Windows has access lists instead; the mode that Node shows there says nothing.
    const problem = process.platform === 'win32' ? undefined : secretFileProblem(mode);
    if (problem !== undefined) {
      throw new CredentialsError(file, `this private key ${problem}: run \`${secretFileRemedy(file)}\``);
    }
  });
  const [key, ...more] = blocks(file, text, /^(?:[A-Z0-9]+ )?PRIVATE KEY$/, 'private key');
  if (more.length > 0) throw new CredentialsError(file, 'holds more than one private key: keep one');
  return key!;
}

async function readSmallFile(file: string, checkMode: (mode: number) => void): Promise<string> {
  let handle;
  try {
    handle = await open(file);
    const stat = await handle.stat();
    if (!stat.isFile()) throw new CredentialsError(file, 'is not a file');
    if (stat.size > MAX_FILE) throw new CredentialsError(file, `is larger than ${MAX_FILE} bytes`);
    checkMode(stat.mode);
    return await handle.readFile('latin1');
  } catch (error) {
    throw error instanceof CredentialsError ? error : unreadable(file, error as NodeJS.ErrnoException);
  } finally {
    await handle?.close();
  }
}

function unreadable(file: string, cause: NodeJS.ErrnoException): CredentialsError {
  const problem =
    cause.code === 'ENOENT'
      ? 'does not exist: check the path, or make certificates with `sangate pki init` and `sangate pki issue`'
      : cause.code === 'EACCES'
        ? 'this user may not read it: change its owner'
        : `cannot be read (${cause.message})`;
  return new CredentialsError(file, problem, { cause });
}

function blocks(file: string, text: string, label: RegExp, what: string): string[] {
  const found = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s:,-]*?-----END \1-----/g)]
    .filter((match) => label.test(match[1]!))
    .map((match) => `${match[0]}\n`);
  if (found.length === 0) {
    throw new CredentialsError(
      file,
      `holds no ${what} in PEM form (a block that begins with "-----BEGIN …")`,
    );
  }
  return found;
}
