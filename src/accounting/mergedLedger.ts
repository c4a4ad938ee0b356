import type { Side } from '../iscsi/side.ts';
import { OTHER_NAME } from './account.ts';
import { IO_CLASSES, type IoClass } from './ioClass.ts';
import { MAX_ACCOUNTS, MAX_LUNS, roomOfOne } from './ledger.ts';
import type { AccountSnapshot, HistogramSnapshot, LedgerSnapshot, NexusSnapshot } from './snapshot.ts';

export const NOTHING_COUNTED: LedgerSnapshot = { accounts: [], nexuses: [], overflow: 0 };

/**
 * Several ledgers as one, within the bounds of one. Who has a place keeps it and who found none never gets one, so that nothing that
 * is counted goes back from one merging to the next.
 */
export class MergedLedger {
  readonly #accounts = new Set<string>();
  readonly #nexuses = new Set<string>();
  readonly #byInitiator = new Map<string, number>();
  readonly #byNexus = new Map<string, number>();
  /** What found no place, with what is told instead. */
  readonly #folded = new Map<string, Names>();

  merge(ledgers: readonly LedgerSnapshot[]): LedgerSnapshot {
    const accounts = new Map<string, AccountSnapshot>();
    const nexuses = new Map<string, NexusSnapshot>();
    let overflow = 0;
    for (const ledger of ledgers) {
      overflow += ledger.overflow;
      for (const account of ledger.accounts) {
        const names = this.#placeOf(account);
        if (names.lun !== account.lun) overflow += commandsOf(account);
        const key = keyOf(names);
        const known = accounts.get(key);
        const { initiator, target, lun } = names;
        accounts.set(key, { initiator, target, lun, classes: addClasses(known, account) });
      }
      for (const nexus of ledger.nexuses) {
        const { initiator, target } = this.#nexusOf(nexus);
        const key = keyOf({ initiator, target });
        nexuses.set(key, { ...addNexuses(nexuses.get(key), nexus), initiator, target });
      }
    }
    return { accounts: [...accounts.values()], nexuses: [...nexuses.values()], overflow };
  }

  #placeOf(names: Names): Names {
    const key = keyOf(names);
    if (this.#accounts.has(key) || names.initiator === OTHER_NAME) return names;
    const folded = this.#folded.get(key);
    if (folded !== undefined) return folded;
    const { initiator, target } = names;
    const nexus = keyOf({ initiator, target });
    const ofNexus = this.#byNexus.get(nexus) ?? 0;
    const ofInitiator = this.#byInitiator.get(initiator) ?? 0;
    const isCounted = names.lun !== OTHER_NAME;
    const hasRoom =
      this.#accounts.size < MAX_ACCOUNTS &&
      ofInitiator < roomOfOne(MAX_ACCOUNTS) &&
      !(isCounted && ofNexus >= MAX_LUNS);
    if (hasRoom) {
      this.#accounts.add(key);
      this.#byInitiator.set(initiator, ofInitiator + 1);
      if (isCounted) this.#byNexus.set(nexus, ofNexus + 1);
      return names;
    }
    const instead =
      names.lun === OTHER_NAME
        ? { initiator: OTHER_NAME, target: OTHER_NAME, lun: OTHER_NAME }
        : this.#placeOf({ initiator, target, lun: OTHER_NAME });
    this.#folded.set(key, instead);
    return instead;
  }

  #nexusOf({ initiator, target }: NexusSnapshot): { initiator: string; target: string } {
    const key = keyOf({ initiator, target });
    if (!this.#nexuses.has(key)) {
      if (this.#nexuses.size >= MAX_ACCOUNTS) return { initiator: OTHER_NAME, target: OTHER_NAME };
      this.#nexuses.add(key);
    }
    return { initiator, target };
  }
}

/** What a ledger came to whose process has ended: nothing is open any more, and what was in flight had no status. */
export function closedLedger({ accounts, nexuses, overflow }: LedgerSnapshot): LedgerSnapshot {
  return {
    accounts: accounts.map(({ classes, ...names }) => ({
      ...names,
      classes: perClass((name) => {
        const { inFlight, aborted, ...rest } = classes[name];
        return { ...rest, inFlight: 0, aborted: aborted + inFlight };
      }),
    })),
    nexuses: nexuses.map((nexus) => ({ ...nexus, sessions: 0 })),
    overflow,
  };
}

interface Names {
  readonly initiator: string;
  readonly target: string;
  readonly lun: string;
}

type Class = AccountSnapshot['classes'][IoClass];

const CLASS_SUMS = [
  'commands',
  'bytes',
  'inFlight',
  'aborted',
  'untimed',
  'sequential',
  'initiatorWaitSeconds',
  'gatewaySeconds',
  'r2ts',
  'r2tWaitSeconds',
] as const;
const SIDE_SUMS = ['backpressureSeconds', 'pings', 'pingSeconds', 'digestErrors'] as const;

const keyOf = ({ initiator, target, lun }: Omit<Names, 'lun'> & Partial<Names>): string =>
  JSON.stringify([initiator, target, lun]);

const commandsOf = ({ classes }: AccountSnapshot): number =>
  IO_CLASSES.reduce((sum, name) => sum + classes[name].commands, 0);

function perClass<T>(of: (name: IoClass) => T): Record<IoClass, T> {
  return { read: of('read'), write: of('write'), other: of('other') };
}

function addClasses(known: AccountSnapshot | undefined, { classes }: AccountSnapshot) {
  return known === undefined ? classes : perClass((name) => addClass(known.classes[name], classes[name]));
}

function addClass(a: Class, b: Class): Class {
  return {
    ...addNumbers(CLASS_SUMS, a, b),
    duration: addHistograms(a.duration, b.duration),
    targetDuration: addHistograms(a.targetDuration, b.targetDuration),
    size: addHistograms(a.size, b.size),
    failures: addCounts(a.failures, b.failures, ({ status, senseKey }) => `${status} ${senseKey}`),
  };
}

function addHistograms(a: HistogramSnapshot, b: HistogramSnapshot): HistogramSnapshot {
  return {
    bounds: a.bounds,
    counts: a.counts.map((count, i) => count + b.counts[i]!),
    sum: a.sum + b.sum,
    count: a.count + b.count,
  };
}

function addNexuses(a: NexusSnapshot | undefined, b: NexusSnapshot): NexusSnapshot {
  if (a === undefined) return b;
  const side = (side: Side) => addNumbers(SIDE_SUMS, a.sides[side], b.sides[side]);
  return {
    initiator: a.initiator,
    target: a.target,
    sessions: a.sessions + b.sessions,
    sides: { initiator: side('initiator'), target: side('target') },
    denials: addCounts(a.denials, b.denials, ({ kind, enforced }) => `${kind} ${enforced}`),
    taskManagement: addCounts(a.taskManagement, b.taskManagement, (of) => `${of.function} ${of.response}`),
  };
}

function addNumbers<K extends string>(
  names: readonly K[],
  a: Readonly<Record<K, number>>,
  b: Readonly<Record<K, number>>,
): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as Record<K, number>;
}

function addCounts<T extends { readonly count: number }>(
  a: readonly T[],
  b: readonly T[],
  key: (of: T) => string,
): readonly T[] {
  const sums = new Map(a.map((of) => [key(of), of]));
  for (const of of b) {
    const known = sums.get(key(of));
    sums.set(key(of), known === undefined ? of : { ...of, count: known.count + of.count });
  }
  return [...sums.values()];
}
