import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

/** Locks of this process: its own number in one may be left from an earlier process that had the same. */
const held = new Set<string>();

const BETWEEN_MS = 50;

/** Another process has the lock. */
export class LockHeldError extends Error {
  /** The process's number; NaN if the file does not tell. */
  readonly holder: number;

  constructor(lock: string, holder: number) {
    super(`${lock} is held by process ${holder}`);
    this.name = 'LockHeldError';
    this.holder = holder;
  }
}

/**
 * Claims what `lock` stands for, for this process: Node has no file locks. The lock of a process that is gone is taken over. Other
 * machines' processes look gone, so it guards nothing that several machines write.
 *
 * @param patienceMs how long to wait for another that has it
 * @returns gives it back
 * @throws LockHeldError; the file system's error
 */
export async function lockForProcess(lock: string, patienceMs = 0): Promise<() => Promise<void>> {
  for (let waited = 0; ; waited += BETWEEN_MS) {
    const holder = await claim(lock);
    if (holder === undefined) break;
    if (waited >= patienceMs) throw new LockHeldError(lock, holder);
    await wait(BETWEEN_MS);
  }
  return async () => {
    await rm(lock, { force: true });
    held.delete(lock);
  };
}

/** @returns the number of the process that has it; undefined if it is ours now */
async function claim(lock: string): Promise<number | undefined> {
  if (held.has(lock)) return process.pid;
  held.add(lock);
  try {
    if (await create(lock)) return undefined;
    const text = await readFile(lock, 'utf8').catch(() => '');
    const owner = parse(text);
    const isGone = owner.pid === process.pid || !(await isRunning(owner));
    if (isGone && (await remove(lock, text)) && (await create(lock))) return undefined;
    held.delete(lock);
    return owner.pid;
  } catch (error) {
    held.delete(lock);
    throw error;
  }
}

interface Owner {
  readonly pid: number;
  /** Tells this process from a later one with its number; empty where that can't be known. */
  readonly born: string;
}

/**
 * The lock appears with its content: one that is still empty would be taken for that of a process that is gone.
 *
 * @returns false if it is there already
 */
async function create(lock: string): Promise<boolean> {
  const temporary = `${lock}.${process.pid}`;
  try {
    await rm(temporary, { force: true }); // left by a crash, or a link that somebody laid there: `wx` follows none
    await writeFile(temporary, `${process.pid} ${await birth(process.pid)}\n`, { mode: 0o600, flag: 'wx' });
    await link(temporary, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Removes the lock of a process that is gone, unless another has done so and put its own there.
 *
 * @returns false if it is another one by now
 */
async function remove(lock: string, text: string): Promise<boolean> {
  const aside = `${lock}.${process.pid}.gone`;
  try {
    await rename(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  try {
    if ((await readFile(aside, 'utf8')) === text) return true;
    await link(aside, lock);
    return false;
  } finally {
    await rm(aside, { force: true });
  }
}

function parse(text: string): Owner {
  const [pid = '', born = ''] = text.trim().split(' ');
  return { pid: Number(pid), born };
}

async function isRunning({ pid, born }: Owner): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // After a power cut some service may have our old number: without this, what it locked could not be had again.
  const now = await birth(pid);
  return born === '' || now === '' || now === born;
}

/** Boot and start time of a process, on Linux; elsewhere empty. */
async function birth(pid: number): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold spaces
    return `${boot.trim()}:${fields[19]}`; // starttime, proc(5)
  } catch {
    return '';
  }
}
