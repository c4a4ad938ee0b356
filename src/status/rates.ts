import type { NexusSnapshot } from '../accounting/snapshot.ts';
import { flowBetween, type Flow } from './flow.ts';
import type { AccountStatus, Status } from './status.ts';

/** What went through in a time between two readings. */
export interface Rates {
  readonly seconds: number;
  readonly total: Flow;
  /** By initiator and target. */
  readonly nexuses: readonly FlowRow[];
  /** By initiator, target and logical unit. */
  readonly luns: readonly FlowRow[];
  /** By id of the session. */
  readonly sessions: ReadonlyMap<number, SessionRates>;
}

export interface FlowRow {
  /** The rule's id. */
  readonly initiator: string;
  readonly target: string;
  /** Absent where all of them are together. */
  readonly lun?: string;
  readonly flow: Flow;
  /** Between this initiator and this target, whatever the logical unit: open sessions, and requests that were denied since the start. */
  readonly sessions: number;
  readonly denials: number;
  /** Of those, in this time. */
  readonly newDenials: number;
}

/** A second. */
export interface SessionRates {
  readonly commands: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** @returns undefined if they are not two readings of one run, the second later */
export function totalBetween(before: Status, now: Status): Pick<Rates, 'seconds' | 'total'> | undefined {
  const seconds = now.at - before.at;
  if (before.gateway.startedAt !== now.gateway.startedAt || !(seconds > 0)) return undefined;
  return { seconds, total: flowBetween(before.accounts, now.accounts, seconds, now.bounds.durationSeconds) };
}

/** As `totalBetween`, with all the parts of it. */
export function ratesBetween(before: Status, now: Status): Rates | undefined {
  const all = totalBetween(before, now);
  if (all === undefined) return undefined;
  const { seconds } = all;
  const bounds = now.bounds.durationSeconds;
  const flow = (a: readonly AccountStatus[], b: readonly AccountStatus[]): Flow =>
    flowBetween(a, b, seconds, bounds);
  const earlierNexuses = new Map(before.nexuses.map((nexus) => [nexusKey(nexus), nexus]));
  const nexuses = new Map(now.nexuses.map((nexus) => [nexusKey(nexus), nexus]));
  const ofNexus = (key: string): Pick<FlowRow, 'sessions' | 'denials' | 'newDenials'> => {
    const denials = denialsOf(nexuses.get(key));
    return {
      sessions: nexuses.get(key)?.sessions ?? 0,
      denials,
      newDenials: denials - denialsOf(earlierNexuses.get(key)),
    };
  };
  const earlier = byNexus(before.accounts);
  const accounts = byNexus(now.accounts);
  const names = new Map([...now.nexuses, ...now.accounts].map((of) => [nexusKey(of), of]));
  return {
    ...all,
    nexuses: [...names].map(([key, { initiator, target }]) => ({
      initiator,
      target,
      flow: flow(earlier.get(key) ?? [], accounts.get(key) ?? []),
      ...ofNexus(key),
    })),
    luns: now.accounts.map((account) => {
      const { initiator, target, lun } = account;
      const key = nexusKey(account);
      const same = earlier.get(key)?.filter((other) => other.lun === lun) ?? [];
      return { initiator, target, lun, flow: flow(same, [account]), ...ofNexus(key) };
    }),
    sessions: sessionRates(before, now, seconds),
  };
}

function byNexus(accounts: readonly AccountStatus[]): Map<string, AccountStatus[]> {
  const groups = new Map<string, AccountStatus[]>();
  for (const account of accounts) {
    const key = nexusKey(account);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [account]);
    else group.push(account);
  }
  return groups;
}

function sessionRates(before: Status, now: Status, seconds: number): Map<number, SessionRates> {
  const earlier = new Map(before.sessions.map((session) => [session.id, session]));
  return new Map(
    now.sessions.map(({ id, commands, fromInitiator, fromTarget }) => {
      const then = earlier.get(id);
      return [
        id,
        {
          commands: (commands - (then?.commands ?? 0)) / seconds,
          bytesSent: (fromInitiator.bytes - (then?.fromInitiator.bytes ?? 0)) / seconds,
          bytesReceived: (fromTarget.bytes - (then?.fromTarget.bytes ?? 0)) / seconds,
        },
      ];
    }),
  );
}

const nexusKey = ({ initiator, target }: { readonly initiator: string; readonly target: string }): string =>
  JSON.stringify([initiator, target]);

const denialsOf = (nexus: NexusSnapshot | undefined): number =>
  nexus?.denials.reduce((all, { count }) => all + count, 0) ?? 0;
