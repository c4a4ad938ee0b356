import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** A file that was written less than this ago may still be written. */
const SETTLE_MS = 300;
/** A file system that does not answer shall not keep later reloads from being tried. */
const DEADLINE_MS = 30_000;

/** What was made of files, and which ones they were. */
interface Reading<T> {
  readonly files: readonly string[];
  readonly value: T;
}

/**
 * Reads, and reads again until no file was written meanwhile or just before: none is taken while it is half there, and all that is
 * taken was there together. Files that nobody has touched for a moment are read once, without a delay.
 *
 * @throws what reading throws; `Error` if there is no result within 30 s
 */
export async function readSteadily<T>(
  read: () => Promise<Reading<T>>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const isOver = new Promise<never>((_, reject) => {
    const problem = `the files could not be read within ${deadlineMs / 1000} s: one does not answer, or is written all the while`;
    deadline.addEventListener('abort', () => reject(new Error(problem)), { once: true });
  });
  return Promise.race([untilSteady(read, deadline), isOver]);
}

async function untilSteady<T>(read: () => Promise<Reading<T>>, signal: AbortSignal): Promise<T> {
  let before: string | undefined;
  for (;;) {
    const settled = Date.now() - SETTLE_MS;
    const { files, value } = await read();
    const { marks, newest } = await look(files);
    // The second comparison holds also where the clock of a file server is ahead of ours.
    if (newest < settled || marks === before) return value;
    before = marks;
    await delay(SETTLE_MS, undefined, { signal, ref: false });
  }
}

/** What changes if one of the files does, and when the last of them did. */
async function look(files: readonly string[]): Promise<{ marks: string; newest: number }> {
  const all = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return {
    marks: all.map((s) => s && [s.dev, s.ino, s.size, s.mtimeMs, s.ctimeMs].join(' ')).join('\n'),
    newest: Math.max(-Infinity, ...all.map((s) => (s ? Math.max(s.mtimeMs, s.ctimeMs) : Infinity))),
  };
}
