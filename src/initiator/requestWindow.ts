import { RESERVED_TAG } from '../iscsi/bhs.ts';
import { serialAdd, serialBefore } from '../iscsi/serialArithmetic.ts';
import { FIRST_CMD_SN } from './newLogin.ts';

export interface RequestNumbers {
  readonly initiatorTaskTag: number;
  readonly cmdSN: number;
}

interface Waiting {
  readonly start: (numbers: RequestNumbers) => void;
  readonly reject: (error: unknown) => void;
}

/** Numbers a session's requests, and holds back those for which the target has no room yet (RFC 7143 §4.2.2.1). */
export class RequestWindow {
  /** In the order in which they came. */
  readonly #waiting: Waiting[] = [];
  #cmdSN = FIRST_CMD_SN;
  #maxCmdSN: number;
  #nextTag = 1;

  constructor(maxCmdSN: number) {
    this.#maxCmdSN = maxCmdSN;
  }

  /** What an immediate request carries, which takes up no number. */
  get cmdSN(): number {
    return this.#cmdSN;
  }

  takeTag(): number {
    const tag = this.#nextTag;
    this.#nextTag = (tag + 1) % RESERVED_TAG;
    return tag;
  }

  /** Calls `start` when the request may be sent, or `reject` when it never may. */
  enter(start: Waiting['start'], reject: Waiting['reject']): void {
    this.#waiting.push({ start, reject });
    this.#startWaiting();
  }

  /** Takes what a PDU of the target says; an older one says less, and changes nothing. */
  widen(maxCmdSN: number): void {
    if (!serialBefore(this.#maxCmdSN, maxCmdSN)) return;
    this.#maxCmdSN = maxCmdSN;
    this.#startWaiting();
  }

  close(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Takes the number in the same step as it looks at the window: each request that starts narrows it. */
  #startWaiting(): void {
    while (this.#waiting.length > 0 && !serialBefore(this.#maxCmdSN, this.#cmdSN)) {
      const cmdSN = this.#cmdSN;
      this.#cmdSN = serialAdd(cmdSN, 1);
      this.#waiting.shift()!.start({ initiatorTaskTag: this.takeTag(), cmdSN });
    }
  }
}
