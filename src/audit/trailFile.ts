import { constants } from 'node:fs';
import { lstat, rename, type FileHandle, type open } from 'node:fs/promises';
import { AuditError } from './auditError.ts';
import { seal, type Link } from './chain.ts';
import { lineOf, type AuditEntry, type UnchainedLine } from './entry.ts';
import { readHead, writeHead } from './head.ts';
import { prune, rotatedName } from './siblings.ts';
import { begun, damaged, lastRotated, takeUp, type ChainEnd } from './takeUp.ts';

/** `fs.open`, or what a test puts in its place. */
export type OpenFile = typeof open;

export interface TrailFileOptions {
  readonly file: string;
  /** A file that would grow beyond this is rotated. */
  readonly maxBytes: number;
  /** Rotated files that stay. */
  readonly keep: number;
  readonly openFile: OpenFile;
  /** What is still to be said in the chain about the file itself; outlives this file. */
  readonly notes: AuditEntry[];
  /** Hears what is said in the chain about the file itself. */
  readonly onNote: (entry: AuditEntry) => void;
  /** A rotation that failed; the file goes on growing. */
  readonly onRotationFailed: (error: unknown) => void;
}

/** A rotation that failed is tried again after this. */
const ROTATE_AGAIN_MS = 60_000;

/**
 * The file of a trail, and the end of its chain. One call at a time. After an error of `append` the lines are not in it; it has to
 * be disposed of and opened anew.
 */
export class TrailFile {
  readonly #options: TrailFileOptions;
  #handle: FileHandle;
  #link: Link;
  #size: number;
  /** False when it is not known how much of a write that failed has come into the file. */
  #isSizeKnown = true;
  readonly #notes: AuditEntry[];
  #headSeq = 0;
  #rotateAfter = 0;

  private constructor(options: TrailFileOptions, handle: FileHandle, link: Link, size: number) {
    this.#options = options;
    this.#notes = options.notes;
    this.#handle = handle;
    this.#link = link;
    this.#size = size;
  }

  /** @param known where this process has left off, if it has written any line */
  static async open(options: TrailFileOptions, known?: ChainEnd): Promise<TrailFile> {
    const handle = await openPrivate(options);
    try {
      const { link, size, notes } = await takeUp(handle, options.file, known ?? (await lastWritten(options)));
      const file = new TrailFile(options, handle, link, size);
      file.#note(...notes);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The end of the chain. */
  get end(): ChainEnd {
    return { link: this.#link, ...(this.#isSizeKnown && { size: this.#size }) };
  }

  /**
   * Writes as many of these lines as this file still takes, at least one. All are in the file, or none.
   *
   * @returns how many of them
   */
  async append(lines: readonly UnchainedLine[]): Promise<number> {
    let batch = this.#seal(lines);
    if (batch.isFull && performance.now() >= this.#rotateAfter) {
      await this.#tryToRotate();
      batch = this.#seal(lines);
    }
    const bytes = Buffer.from(batch.text, 'latin1');
    try {
      await this.#handle.appendFile(bytes);
    } catch (error) {
      // Half a line must not stay: on a full disk it could not even be set aside.
      await this.#handle.truncate(this.#size).catch(() => (this.#isSizeKnown = false));
      throw error;
    }
    this.#link = batch.link;
    this.#size += bytes.length;
    this.#notes.length = 0;
    return batch.taken;
  }

  /** Brings all lines to the disk, and then the head; looks whether the file is still the one that was written. */
  async sync(): Promise<void> {
    const link = this.#link;
    await this.#handle.datasync();
    if (link.seq !== this.#headSeq) await writeHead(this.#options.file, link);
    this.#headSeq = link.seq;
    await this.lookAfter();
  }

  /** Begins a new file if this one was moved away; says in the chain if somebody else wrote to it or cut it. */
  async lookAfter(): Promise<void> {
    const { file } = this.#options;
    const mine = await this.#handle.stat();
    if (mine.size !== this.#size)
      await this.#goOnIn(this.#handle, async () => damaged(file, 'all its lines were cut off'));
    const there = await lstat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (there?.ino !== mine.ino || there.dev !== mine.dev)
      await this.#goOnIn(await openPrivate(this.#options));
  }

  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      await this.dispose();
    }
  }

  /** Lets go of the file as it is. */
  async dispose(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  /** As many lines as fit, and at least one where rotating does not help; none at all if the file is full. */
  #seal(lines: readonly UnchainedLine[]) {
    const now = Date.now();
    const notes = this.#notes.map((note) => lineOf(note, now));
    const room = performance.now() < this.#rotateAfter ? Infinity : this.#options.maxBytes - this.#size;
    let text = '';
    let link = this.#link;
    let count = 0;
    for (const line of [...notes, ...lines]) {
      const sealed = seal(line, link);
      if (text.length + sealed.text.length > room) {
        if (count > notes.length) break;
        if (count === 0 && this.#size > 0) return { text, link, taken: 0, isFull: true };
      }
      text += sealed.text;
      link = sealed.link;
      count++;
    }
    return { text, link, taken: Math.max(0, count - notes.length), isFull: false };
  }

  async #tryToRotate(): Promise<void> {
    try {
      await this.#rotate();
    } catch (error) {
      this.#rotateAfter = performance.now() + ROTATE_AGAIN_MS;
      this.#options.onRotationFailed(error);
    }
  }

  async #rotate(): Promise<void> {
    const { file, keep } = this.#options;
    const link = this.#link;
    await this.sync();
    if (this.#size === 0) return; // it had been moved away
    const name = rotatedName(file, link.seq);
    if (await exists(name))
      throw new AuditError(`${name} exists already, and is left as it is: move it away`);
    await rename(file, name);
    await this.#goOnIn(await openPrivate(this.#options), async () =>
      begun(link, name, await prune(file, keep)),
    );
  }

  /** @param first the first line of a new file, in place of what is said where nobody knows why it is new */
  async #goOnIn(handle: FileHandle, first?: () => Promise<AuditEntry>): Promise<void> {
    const { link, size, notes } = await takeUp(handle, this.#options.file, this.end);
    if (handle !== this.#handle) await this.dispose();
    this.#handle = handle;
    this.#link = link;
    this.#size = size;
    this.#note(...(first === undefined || size > 0 ? notes : [await first()]));
  }

  #note(...entries: readonly AuditEntry[]): void {
    for (const entry of entries) {
      if (entry.action === 'audit-file-begun') {
        // A file that could not be written at once is found empty again.
        if (this.#notes[0]?.action === entry.action) continue;
        this.#notes.unshift(entry); // verifying takes a file that begins otherwise for one whose beginning is gone
      } else {
        this.#notes.push(entry);
      }
      this.#options.onNote(entry);
    }
  }
}

/** Of `a+`, and not through a link: whoever may write the folder would choose which file we append to. */
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

async function openPrivate({ file, openFile }: TrailFileOptions): Promise<FileHandle> {
  const handle = await openFile(file, APPEND, 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ELOOP') throw cause;
    throw new AuditError(
      `${file} is a symbolic link, and no trail is written through one: name the file itself`,
    );
  });
  const found = await handle.stat();
  if (!found.isFile()) {
    await handle.close();
    throw new AuditError(`${file} is no regular file: an audit trail has to be read again to go on in it`);
  }
  // What logrotate's `create`, or a hand, has made: nobody else reads it, no group writes it.
  if ((found.mode & 0o027) !== 0) await handle.chmod(found.mode & 0o750);
  return handle;
}

/** Of an earlier process: what its head says, or a rotated file if that goes on further. */
async function lastWritten({ file }: TrailFileOptions): Promise<ChainEnd | undefined> {
  const [head, rotated] = await Promise.all([readHead(file), lastRotated(file)]);
  const link = rotated !== undefined && rotated.seq > (head?.seq ?? 0) ? rotated : head;
  return link && { link };
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
