import { open, stat, type FileHandle } from 'node:fs/promises';
import { checkSize, type BackingStore } from './backingStore.ts';
import { lockImage } from './imageLock.ts';

/** How much `discard` looks at in one step. */
const DISCARD_STEP = 1024 * 1024;
const ZEROS = Buffer.alloc(DISCARD_STEP);

export interface FileStoreOptions {
  /** Bytes. Makes the (sparse) file when it is not there; a file that is there must have this very size. */
  readonly create?: number;
  readonly readOnly?: boolean;
}

/** A disk in a regular file, which no other target of this machine writes to meanwhile. */
export class FileStore implements BackingStore {
  readonly path: string;
  readonly size: number;
  readonly readOnly: boolean;
  readonly #file: FileHandle;
  readonly #unlock: () => Promise<void>;

  private constructor(path: string, size: number, { file, readOnly, unlock }: OpenedFile) {
    this.path = path;
    this.size = size;
    this.readOnly = readOnly;
    this.#file = file;
    this.#unlock = unlock;
  }

  /** @throws Error that names the path and what to do about it. */
  static async open(path: string, options: FileStoreOptions = {}): Promise<FileStore> {
    if (options.create !== undefined) await createIfMissing(path, options.create);
    const found = await stat(path).catch((cause: unknown) => {
      throw fileError(path, cause);
    });
    if (!found.isFile()) {
      throw new Error(`${path} is not a regular file; name a disk image, or one that is to be made`);
    }
    checkSize(found.size, path);
    if (options.create !== undefined && found.size !== options.create) {
      throw new Error(
        `${path} exists with ${found.size} bytes, not ${options.create}; leave the size (--create) out to serve it as it is`,
      );
    }
    // A file that nobody may write is meant to stay as it is, also when root serves it.
    const mayWrite = options.readOnly !== true && (found.mode & 0o222) !== 0;
    return new FileStore(path, found.size, await openFor(path, mayWrite));
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const data = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#file.read(data, done, length - done, offset + done);
      if (bytesRead === 0)
        throw new Error(`${this.path} ends before byte ${offset + length}: it was cut short`);
      done += bytesRead;
    }
    return data;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await this.#file.write(data, done, data.length - done, offset + done);
      done += bytesWritten;
    }
  }

  async flush(): Promise<void> {
    if (!this.readOnly) await this.#file.datasync();
  }

  /** Zeros what is not zero yet. Holes cost a read, so a sparse image stays sparse when all of it is discarded. */
  async discard(offset: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += DISCARD_STEP) {
      const step = Math.min(DISCARD_STEP, length - done);
      const zeros = ZEROS.subarray(0, step);
      const present = await this.read(offset + done, step);
      if (!present.equals(zeros)) await this.write(offset + done, zeros);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#unlock();
  }
}

async function createIfMissing(path: string, size: number): Promise<void> {
  checkSize(size, path);
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw fileError(path, error);
  }
  try {
    await file.truncate(size);
  } finally {
    await file.close();
  }
}

interface OpenedFile {
  readonly file: FileHandle;
  readonly readOnly: boolean;
  /** Gives the image back to other targets. */
  readonly unlock: () => Promise<void>;
}

async function openFor(path: string, mayWrite: boolean): Promise<OpenedFile> {
  if (mayWrite) {
    try {
      const file = await open(path, 'r+');
      return { file, readOnly: false, unlock: await lockOrClose(path, file) };
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw fileError(path, error);
    }
  }
  try {
    return { file: await open(path, 'r'), readOnly: true, unlock: () => Promise.resolve() };
  } catch (error) {
    throw fileError(path, error);
  }
}

async function lockOrClose(path: string, file: FileHandle): Promise<() => Promise<void>> {
  try {
    return await lockImage(path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function fileError(path: string, cause: unknown): Error {
  const code = codeOf(cause);
  if (code === 'ENOENT') {
    return new Error(`${path} does not exist; give a size (--create 10G) to have it made`, { cause });
  }
  return new Error(`${path} cannot be opened: ${code ?? String(cause)}`, { cause });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
