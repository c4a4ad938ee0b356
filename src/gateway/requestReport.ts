import { isDanger } from '../policy/commandPolicy.ts';
import type { AccessListeners, Denied, Notable } from '../relay/access.ts';
import { LineLimit } from '../telemetry/lineLimit.ts';

/** Who is told of a session's requests, and how many like them were left out since the last. */
export interface RequestObservers {
  readonly onDenied: (denied: Denied, suppressed: number) => void;
  readonly onNotable: (notable: Notable, suppressed: number) => void;
}

/** Of one sort, so many that differ in anything are told whatever their number in a second. */
const MAX_DISTINCT = 256;
/** Of those that were told before: lines a second and sort. */
const REPEATED = {
  denied: 1,
  /** Everything that goes on is denied so: to tell each kind of request once is enough. */
  uncovered: 0,
  notable: 10,
  /** Each may have destroyed something. */
  danger: 100,
} as const;

/**
 * Which of a session's denials and commands of note are told: the first of each that differs in kind, request or logical unit, and of
 * equals so many a second. What is rare shows however much there is of what is not, and no flood fills the log.
 */
export class RequestReport implements AccessListeners {
  readonly #observers: RequestObservers;
  readonly #sorts = new Map<string, Sort>();
  #denials = 0;
  #suppressed = 0;

  constructor(observers: RequestObservers) {
    this.#observers = observers;
  }

  /** All of them, told or not. */
  get denials(): number {
    return this.#denials;
  }

  /** Denials and commands of note that were not told. */
  get suppressed(): number {
    return this.#suppressed;
  }

  readonly onDenied = (denied: Denied): void => {
    this.#denials++;
    const { kind, danger, command, taskFunction, lun } = denied;
    const perSecond = kind === 'no-access' ? REPEATED.uncovered : REPEATED.denied;
    const request =
      command === undefined ? `task ${taskFunction}` : `${command.operationCode}/${command.serviceAction}`;
    const suppressed = this.#take(`denied ${danger ?? kind}`, perSecond, `${kind} ${request} ${lun}`);
    if (suppressed !== undefined) this.#observers.onDenied(denied, suppressed);
  };

  readonly onNotable = (notable: Notable): void => {
    const { effect, operationCode, lun } = notable;
    const perSecond = isDanger(effect) ? REPEATED.danger : REPEATED.notable;
    const suppressed = this.#take(effect, perSecond, `${operationCode} ${lun}`);
    if (suppressed !== undefined) this.#observers.onNotable(notable, suppressed);
  };

  /** Another rule holds: what was told under the one before is told again. */
  accessChanged(): void {
    for (const { distinct } of this.#sorts.values()) distinct.clear();
  }

  /** @returns how many were left out since the last; undefined: this one is too */
  #take(name: string, perSecond: number, what: string): number | undefined {
    let sort = this.#sorts.get(name);
    if (sort === undefined) {
      sort = { distinct: new Set(), repeated: new LineLimit(perSecond) };
      this.#sorts.set(name, sort);
    }
    const { distinct, repeated } = sort;
    if (distinct.size < MAX_DISTINCT && !distinct.has(what)) {
      distinct.add(what);
      return repeated.release();
    }
    const suppressed = repeated.take();
    if (suppressed === undefined) this.#suppressed++;
    return suppressed;
  }
}

interface Sort {
  readonly distinct: Set<string>;
  readonly repeated: LineLimit;
}
