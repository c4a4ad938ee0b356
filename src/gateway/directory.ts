import { MalformedRecords } from '../discovery/malformedRecords.ts';
import type { TargetRecord } from '../discovery/sendTargets.ts';
import { Failure } from '../failures.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import type { Admission, Authorization, Policy } from '../policy/policy.ts';
import { matchesTarget } from '../policy/targetPattern.ts';
import { deadlineIn } from '../transport/deadline.ts';
import type { Backend } from './backend.ts';

/** How long a backend that was down a moment ago may hold up the others' answer. */
const GRACE_FOR_DOWN_MS = 500;
/** For how long an array's answer says where a target is. */
const KNOWN_FOR_MS = 30_000;

export interface Discovered {
  readonly records: readonly TargetRecord[];
  /** Backends that did not answer in time, each with the reason. */
  readonly missing: readonly { readonly backend: string; readonly failure: Failure }[];
  /** What is wrong with records that arrays sent and that were left out: a few in words, the others as a number. */
  readonly malformed: readonly string[];
}

interface Answer {
  readonly backend: Backend;
  readonly records?: readonly TargetRecord[];
  readonly failure?: Failure;
}

/** Which target is behind which backend, and what an initiator may be shown of it. */
export class Directory {
  readonly #backends: readonly Backend[];
  readonly #policy: Policy;
  readonly #timeoutMs: number;
  readonly #newIsid: () => Buffer;
  /** Where targets were seen, by initiator and target. */
  readonly #seen = new Map<string, { readonly backend: Backend; readonly until: number }>();

  constructor(options: {
    backends: readonly Backend[];
    policy: Policy;
    timeoutMs: number;
    newIsid: () => Buffer;
  }) {
    this.#backends = options.backends;
    this.#policy = options.policy;
    this.#timeoutMs = options.timeoutMs;
    this.#newIsid = options.newIsid;
  }

  /**
   * Asks at once every backend that may have something for this initiator, and shows what policy lets this initiator use, each target at one address.
   *
   * @param nameAsSent the initiator's name as it spells it
   * @param address where this initiator reaches the gateway
   * @param only one target's normalised name; absent: all
   */
  async discover(
    admission: Admission,
    nameAsSent: string,
    address: TargetAddress,
    only?: string,
  ): Promise<Discovered> {
    const malformed = new MalformedRecords();
    const concerned = this.#backends.filter((backend) => this.#mayShow(backend, admission, only));
    const answers = await this.#ask(concerned, nameAsSent, malformed);
    const records = new Map<string, TargetRecord>();
    for (const { backend, records: found = [] } of answers) {
      for (const { name } of found) {
        const target = name.toLowerCase();
        if (!records.has(target) && carries(backend, target) && this.#policy.isVisible(admission, target)) {
          if (only === undefined || only === target) records.set(target, { name, addresses: [address] });
        }
      }
    }
    const missing = answers.flatMap(({ backend, failure }) =>
      failure ? [{ backend: backend.name, failure }] : [],
    );
    return { records: [...records.values()], missing, malformed: malformed.problems };
  }

  /**
   * The backend of a target that the initiator may use.
   *
   * @throws Failure `target_not_found`, or `backend_down` if a backend that may have it does not answer
   */
  async locate(authorization: Authorization, nameAsSent: string): Promise<Backend> {
    const { target } = authorization;
    const candidates = this.#backends.filter((backend) => carries(backend, target));
    const [first, ...others] = candidates;
    if (first === undefined) throw new Failure('target_not_found', `no backend's "targets" covers ${target}`);
    if (others.length === 0) return first;
    const seen = this.#seen.get(seenKey(nameAsSent, target));
    if (seen !== undefined && seen.until > Date.now()) return seen.backend;
    const answers = await this.#ask(candidates, nameAsSent, new MalformedRecords());
    const found = answers.find(({ records }) => records?.some(({ name }) => name.toLowerCase() === target));
    if (found !== undefined) return found.backend;
    const failed = answers.find(({ failure }) => failure !== undefined);
    if (failed?.failure !== undefined) {
      throw new Failure(
        'backend_down',
        `${target} may be behind a backend that does not answer: ${failed.failure.message}`,
      );
    }
    throw new Failure('target_not_found', `no backend knows ${target}`);
  }

  /** Is this backend, by its name, one that the target may be behind? */
  mayCarry(backendName: string, target: string): boolean {
    return this.#backends.some((backend) => backend.name === backendName && carries(backend, target));
  }

  /** The backend that `locate` gave does not have the target after all. */
  forget({ target }: Authorization, nameAsSent: string): void {
    this.#seen.delete(seenKey(nameAsSent, target));
  }

  /** Asking others would load arrays, and wait for them, for an answer of which nothing is shown. */
  #mayShow(backend: Backend, admission: Admission, only: string | undefined): boolean {
    if (only !== undefined) return carries(backend, only) && this.#policy.isVisible(admission, only);
    return this.#policy.maySeeOf(admission, backend.config.targets ?? ['*']);
  }

  async #ask(
    backends: readonly Backend[],
    nameAsSent: string,
    malformed: MalformedRecords,
  ): Promise<Answer[]> {
    const answers = await Promise.all(
      backends.map(async (backend): Promise<Answer> => {
        const limit = backend.isDown ? Math.min(GRACE_FOR_DOWN_MS, this.#timeoutMs) : this.#timeoutMs;
        const { signal, clear } = deadlineIn(limit);
        try {
          const records = await backend.discover(nameAsSent, this.#newIsid(), signal, malformed);
          return { backend, records };
        } catch (error) {
          if (!signal.aborted) return { backend, failure: Failure.from(error) };
          backend.noteDown();
          const failure = new Failure(
            'backend_down',
            `backend ${backend.name}: no answer to discovery within ${limit} ms`,
          );
          return { backend, failure };
        } finally {
          clear();
        }
      }),
    );
    this.#remember(answers, nameAsSent);
    return answers;
  }

  #remember(answers: readonly Answer[], nameAsSent: string): void {
    const now = Date.now();
    for (const [key, { until }] of this.#seen) if (until <= now) this.#seen.delete(key);
    for (const { backend, records = [] } of answers) {
      for (const { name } of records) {
        const target = name.toLowerCase();
        const key = seenKey(nameAsSent, target);
        // An array may claim what it likes: a target outside its "targets" is not there for `locate` either.
        if (carries(backend, target) && !this.#seen.has(key))
          this.#seen.set(key, { backend, until: now + KNOWN_FOR_MS });
      }
    }
  }
}

function carries(backend: Backend, target: string): boolean {
  return backend.config.targets?.some((pattern) => matchesTarget(pattern, target)) ?? true;
}

function seenKey(initiatorName: string, target: string): string {
  return `${initiatorName.toLowerCase()} ${target}`;
}
