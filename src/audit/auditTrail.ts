import { open } from 'node:fs/promises';
import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { alarmOf, reasonOf, type AuditAlarm } from './alarm.ts';
import { AuditError } from './auditError.ts';
import type { Link } from './chain.ts';
import type { AuditEntry } from './entry.ts';
import { lockTrail } from './lock.ts';
import type { ChainEnd } from './takeUp.ts';
import { TrailFile, type OpenFile, type TrailFileOptions } from './trailFile.ts';
import { MAX_WAITING, WaitingLines } from './waitingLines.ts';

export interface AuditOptions {
  readonly file: string;
  /** Size at which a file is rotated; 64 MiB unless told. */
  readonly maxBytes?: number;
  /** Rotated files that stay; 10 unless told. */
  readonly keep?: number;
  /** How long to wait for another process that has the trail; not at all unless told. */
  readonly patienceMs?: number;
  readonly onAlarm: (alarm: AuditAlarm) => void;
  /** `fs.open` unless told. */
  readonly openFile?: OpenFile;
}

export interface AuditState {
  /** False while lines can't be written, or were not for 10 s. */
  readonly healthy: boolean;
  /** Lines since the start of this process that are in the file, those about the trail itself left out. */
  readonly written: number;
  /** Lines that will never be in it; the trail says so itself when it can. */
  readonly lost: number;
  /** How often somebody else was found to have changed it. */
  readonly damaged: number;
  /** Lines that are not yet in it. */
  readonly waiting: number;
  /** Why it is not healthy. */
  readonly error?: string;
  /** The end of the chain. */
  readonly last?: Link;
}

/** From one write to the next: in a rush of logins many lines go out together. */
const BETWEEN_WRITES_MS = 10;
const SYNC_MS = 1000;
const RETRY_MS = 1000;
const STALLED_MS = 10_000;
const CLOSE_MS = 5000;

/**
 * Opens a trail and goes on in its chain. A disk that is full, or a folder that is missing, is an alarm and no error: it is tried
 * again each second.
 *
 * @throws AuditError if another process writes it, or if the file is no regular file
 */
export async function openAudit(options: AuditOptions): Promise<AuditTrail> {
  const trail = new AuditTrail(options);
  await trail.start();
  return trail;
}

/**
 * The audit trail. Writing is no more than putting an entry in a queue; whatever happens to the disk, nobody waits for it and
 * nothing is thrown.
 */
export class AuditTrail {
  readonly #options: AuditOptions;
  #file: TrailFile | undefined;
  #unlock: (() => Promise<void>) | undefined;
  readonly #waiting = new WaitingLines();
  readonly #notes: AuditEntry[] = [];
  #work: Promise<void> | undefined;
  #workingSince = 0;
  #writtenAt = -Infinity;
  #wants = { sync: false, look: false };
  #syncTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #error: string | undefined;
  #end: ChainEnd | undefined;
  #written = 0;
  #lost = 0;
  #damaged = 0;
  #isClosed = false;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** @throws AuditError as `openAudit` */
  async start(): Promise<void> {
    try {
      this.#file = await this.#open();
      this.#kick();
    } catch (error) {
      if (error instanceof AuditError) {
        await this.#unlock?.();
        throw error;
      }
      this.#failed(error);
    }
  }

  get state(): AuditState {
    const isStalled = this.#work !== undefined && performance.now() - this.#workingSince > STALLED_MS;
    const error = this.#error ?? (isStalled ? 'the disk does not answer' : undefined);
    return {
      healthy: error === undefined,
      written: this.#written,
      lost: this.#lost,
      damaged: this.#damaged,
      waiting: this.#waiting.length,
      ...(error !== undefined && { error }),
      ...(this.#end && { last: this.#end.link }),
    };
  }

  write(entry: AuditEntry): void {
    const now = Date.now();
    if (this.#isClosed || this.#waiting.isFull) return this.#lose(now);
    this.#waiting.add(entry, now);
    this.#kick();
  }

  /** For SIGHUP: goes on in a new file if this one was moved away. Done when all that waits is written, or can't be. */
  async rotateOrReopen(): Promise<void> {
    this.#wants.look = true;
    await this.#work;
    this.#retry();
    await this.#work;
  }

  /** Writes what waits and lets go of the trail, within 5 s. What can't be written is lost. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#syncTimer);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
    await Promise.race([this.#finish(), timeout]);
    clearTimeout(timer);
    clearTimeout(this.#retryTimer);
    const left = this.#waiting.entries;
    if (left === 0) return;
    this.#lost += left;
    this.#alarm('lost', `${left} lines could not be written before the end and are lost`);
  }

  async #finish(): Promise<void> {
    await this.#work;
    if (this.#hasWork) await this.#drain();
    try {
      await this.#file?.close();
    } catch (error) {
      this.#failed(error);
    }
    await this.#unlock?.().catch(() => {}); // the next process sees that this one is gone
  }

  /** Works at once, also if it has failed just now. */
  #retry(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#kick();
  }

  #kick(): void {
    if (this.#isClosed || this.#work !== undefined || this.#retryTimer !== undefined || !this.#hasWork)
      return;
    this.#workingSince = performance.now();
    this.#work = this.#drain().finally(() => {
      this.#work = undefined;
      this.#kick();
    });
  }

  get #hasWork(): boolean {
    const { sync, look } = this.#wants;
    return this.#waiting.length > 0 || this.#notes.length > 0 || sync || look || this.#file === undefined;
  }

  async #drain(): Promise<void> {
    try {
      this.#file ??= await this.#open();
      while (this.#hasWork) {
        await this.#gather();
        await this.#step(this.#file);
        this.#workingSince = performance.now();
      }
      this.#succeeded();
    } catch (error) {
      const file = this.#file;
      this.#file = undefined; // a handle may be of no use for ever, as on a network file system that was away
      if (file !== undefined) this.#end = file.end;
      await file?.dispose();
      this.#failed(error);
    }
  }

  /** What comes in one turn of the event loop goes out in one write, and so does what comes soon after another one. */
  async #gather(): Promise<void> {
    const left = this.#writtenAt + BETWEEN_WRITES_MS - performance.now();
    if (left > 0 && !this.#waiting.hasBatch && !this.#isClosed) await wait(left);
    else await setImmediate();
    this.#writtenAt = performance.now();
  }

  async #step(file: TrailFile): Promise<void> {
    if (this.#wants.look) {
      await file.lookAfter();
      this.#wants.look = false;
    }
    if (this.#waiting.length > 0 || this.#notes.length > 0) {
      const taken = await file.append(this.#waiting.next());
      this.#written += this.#waiting.takeOut(taken);
      this.#end = file.end;
      this.#syncSoon();
    }
    if (this.#wants.sync) {
      await file.sync();
      this.#wants.sync = false;
    }
  }

  async #open(): Promise<TrailFile> {
    const { file, maxBytes = 64 * 2 ** 20, keep = 10, patienceMs = 0, openFile = open } = this.#options;
    const options: TrailFileOptions = {
      file,
      maxBytes,
      keep,
      openFile,
      notes: this.#notes,
      onNote: (note) => this.#hear(note),
      onRotationFailed: (error) =>
        this.#alarm('failing', `${file} can't be rotated and goes on growing: ${reasonOf(error)}`),
    };
    this.#unlock ??= await lockTrail(file, patienceMs);
    const opened = await TrailFile.open(options, this.#end);
    this.#end = opened.end;
    return opened;
  }

  #syncSoon(): void {
    if (this.#isClosed) return; // closing brings it to the disk
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#wants.sync = true;
      this.#kick();
    }, SYNC_MS).unref();
  }

  #lose(now: number): void {
    this.#lost++;
    if (this.#isClosed) return;
    if (!this.#waiting.lose(now)) return;
    this.#alarm('lost', `${MAX_WAITING} lines wait for ${this.#options.file}: from now on they are lost`);
  }

  #failed(error: unknown): void {
    const message = `${this.#options.file} can't be written: ${reasonOf(error)}; it is tried again each second`;
    if (this.#error === undefined) this.#alarm('failing', message);
    this.#error = message;
    if (this.#isClosed) return;
    this.#retryTimer ??= setTimeout(() => this.#retry(), RETRY_MS).unref();
  }

  #succeeded(): void {
    if (this.#error === undefined) return;
    this.#error = undefined;
    this.#alarm('recovered', `${this.#options.file} is written again; ${this.#lost} lines were lost in all`);
  }

  #hear(note: AuditEntry): void {
    if (note.action === 'audit-damaged') this.#damaged++;
    const alarm = alarmOf(this.#options.file, note);
    if (alarm !== undefined) this.#options.onAlarm(alarm);
  }

  #alarm(kind: AuditAlarm['kind'], message: string): void {
    this.#options.onAlarm({ kind, message });
  }
}
