import type { Side } from '../iscsi/side.ts';
import { TaskFunction } from '../iscsi/taskManagement.ts';
import type { NexusSnapshot, SideSnapshot } from './snapshot.ts';

/** Why a request got nothing of what it asked for. */
export const DENIAL_KINDS = ['hidden-lun', 'write-protected', 'not-supported', 'no-access', 'text'] as const;

export type DenialKind = (typeof DENIAL_KINDS)[number];

/** By their number; 0 stands for those that are none. */
const FUNCTIONS = ['unknown', ...Object.keys(TaskFunction).map(dashed)];
/** By their number (RFC 7143 §11.6.1); the last stands for 255, and for those that are none. */
const RESPONSES = [
  'complete',
  'no-such-task',
  'no-such-lun',
  'still-allegiant',
  'reassignment-not-supported',
  'not-supported',
  'authorization-failed',
  'rejected',
];

/** What is counted between one initiator and one target, whatever the logical unit; all sessions between them share it. */
export class Nexus {
  readonly initiator: string;
  readonly target: string;
  sessions = 0;
  readonly #sides: Readonly<Record<Side, SideFigures>> = {
    initiator: new SideFigures(),
    target: new SideFigures(),
  };
  readonly #denials = new Float64Array(2 * DENIAL_KINDS.length);
  readonly #taskManagement = new Float64Array(FUNCTIONS.length * RESPONSES.length);

  constructor(initiator: string, target: string) {
    this.initiator = initiator;
    this.target = target;
  }

  side(side: Side): SideFigures {
    return this.#sides[side];
  }

  denied(kind: DenialKind, enforced: boolean): void {
    this.#denials[2 * DENIAL_KINDS.indexOf(kind) + Number(enforced)]!++;
  }

  taskManagement(taskFunction: number, response: number): void {
    const row = taskFunction < FUNCTIONS.length ? taskFunction : 0;
    const column = Math.min(response, RESPONSES.length - 1);
    this.#taskManagement[row * RESPONSES.length + column]!++;
  }

  /** @param now ms */
  snapshot(now: number): NexusSnapshot {
    return {
      initiator: this.initiator,
      target: this.target,
      sessions: this.sessions,
      sides: {
        initiator: this.#sides.initiator.snapshot(now),
        target: this.#sides.target.snapshot(now),
      },
      denials: DENIAL_KINDS.flatMap((kind, i) =>
        [false, true].map((enforced) => ({
          kind,
          enforced,
          count: this.#denials[2 * i + Number(enforced)]!,
        })),
      ),
      taskManagement: FUNCTIONS.flatMap((name, row) =>
        RESPONSES.map((response, column) => ({
          function: name,
          response,
          count: this.#taskManagement[row * RESPONSES.length + column]!,
        })),
      ).filter(({ count }) => count > 0),
    };
  }
}

/** Times in ms. */
export class SideFigures {
  pings = 0;
  pingTime = 0;
  digestErrors = 0;
  /** Of pauses that are over, less when those that are not began: so that a side that stands still is seen to. */
  #paused = 0;
  #pauses = 0;

  pause(now: number): void {
    this.#pauses++;
    this.#paused -= now;
  }

  resume(now: number): void {
    this.#pauses--;
    this.#paused += now;
  }

  snapshot(now: number): SideSnapshot {
    return {
      backpressureSeconds: Math.max(0, this.#paused + this.#pauses * now) / 1000,
      pings: this.pings,
      pingSeconds: this.pingTime / 1000,
      digestErrors: this.digestErrors,
    };
  }
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
