import { constants } from 'node:fs';
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
    // Without O_NONBLOCK a named pipe would hold a thread up until somebody writes to it.
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
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
  const found = wholeBlocks(file, text)
    .filter((block) => label.test(block.label))
    .map(({ pem }) => pem);
  if (found.length === 0) {
    throw new CredentialsError(
      file,
      `holds no ${what} in PEM form (a block that begins with "-----BEGIN …")`,
    );
  }
  return found;
}

/**
 * Every block, with text around them as RFC 7468 §2 allows. All have to be whole: a bundle that was cut off, or is being
 * written, would else pass for one with fewer certificates in it.
 */
function wholeBlocks(file: string, text: string): { label: string; pem: string }[] {
  const found: { label: string; pem: string }[] = [];
  let begin: { label: string; at: number } | undefined;
  let end = 0;
  for (const marker of text.matchAll(/-----(BEGIN|END)(?: ([^\r\n]*?)-----)?/g)) {
    const [line, kind, label] = marker;
    if (label === undefined || (kind === 'BEGIN') !== (begin === undefined)) throw notWhole(file);
    if (begin === undefined) {
      begin = { label, at: marker.index };
      continue;
    }
    if (label !== begin.label) throw notWhole(file);
    end = marker.index + line.length;
    found.push({ label, pem: `${text.slice(begin.at, end)}\n` });
    begin = undefined;
  }
  const endsInMarker = /^-[^\n]*$/.test(text.slice(Math.max(end, text.lastIndexOf('\n') + 1)));
  if (begin !== undefined || endsInMarker) throw notWhole(file);
  return found;
}

function notWhole(file: string): CredentialsError {
  return new CredentialsError(
    file,
    'holds a PEM block that is not whole, with only one of its lines "-----BEGIN …" and "-----END …": copy the file again, as a whole',
  );
}
