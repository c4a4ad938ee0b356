import { randomBytes } from 'node:crypto';
import { chmod, chown, link, lstat, open, rename, stat, unlink } from 'node:fs/promises';
import { PkiError } from './pkiError.ts';

/**
 * Writes a file that must not exist yet. It appears whole or not at all: `link` fails where `rename` would
 * overwrite.
 */
export async function writeNew(file: string, text: string, mode: number): Promise<void> {
  const temporary = await writeTemporary(file, text, mode);
  try {
    await link(temporary, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new PkiError(`${file} exists and is left as it is`, { cause });
  } finally {
    await unlink(temporary);
  }
}

/** Writes a file in place of what is there; a reader sees the old one or the new one, whole. */
export async function writeOver(file: string, text: string, mode: number): Promise<void> {
  const temporary = await writeTemporary(file, text, mode);
  try {
    await rename(temporary, file);
  } catch (cause) {
    await unlink(temporary);
    throw cause;
  }
}

/** As `writeOver`, with the mode of what is there, and for root with its owner: who could read it still can. */
export async function replace(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  const temporary = await writeTemporary(file, text, 0o600);
  try {
    if (process.getuid?.() === 0) await chown(temporary, uid, gid);
    await chmod(temporary, mode & 0o777); // unlike the mode at opening, free of the umask
    await rename(temporary, file);
  } catch (cause) {
    await unlink(temporary);
    throw cause;
  }
}

export async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Beside the file, so that link and rename stay within one file system; the mode holds from the first byte on. */
async function writeTemporary(file: string, text: string, mode: number): Promise<string> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporary, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await handle.close();
  }
  return temporary;
}
