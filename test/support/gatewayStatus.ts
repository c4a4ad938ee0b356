import { DURATION_BOUNDS, SIZE_BOUNDS } from '../../src/accounting/buckets.ts';
import type { NexusSnapshot, SideSnapshot } from '../../src/accounting/snapshot.ts';
import type { AccountStatus, ClassStatus, Status } from '../../src/status/status.ts';
import { SESSION } from './adminListener.ts';

export const DB1_DISK = { initiator: 'db1', target: 'iqn.2026-01.org.example:disk1', lun: '0' };

const NOTHING: ClassStatus = {
  commands: 0,
  bytes: 0,
  inFlight: 0,
  aborted: 0,
  untimed: 0,
  sequential: 0,
  duration: { counts: DURATION_BOUNDS.map(() => 0).concat(0), sum: 0 },
  targetDuration: { counts: DURATION_BOUNDS.map(() => 0).concat(0), sum: 0 },
  initiatorWaitSeconds: 0,
  gatewaySeconds: 0,
  size: { counts: SIZE_BOUNDS.map(() => 0).concat(0), sum: 0 },
  r2ts: 0,
  r2tWaitSeconds: 0,
  failures: [],
};

interface Load {
  readonly commands: number;
  readonly bytes?: number;
  readonly inFlight?: number;
  readonly failed?: number;
  /** Bucket in which all of them fall that have ended, and how long each takes, in seconds. */
  readonly bucket?: number;
  readonly seconds?: number;
}

/** So many commands of each class, all of them ended alike; half of the time was the array's. */
export function account(
  load: { readonly read?: Load; readonly write?: Load; readonly other?: Load },
  names: Partial<typeof DB1_DISK> = {},
): AccountStatus {
  const of = (figures: Load | undefined): ClassStatus => {
    if (figures === undefined) return NOTHING;
    const { commands, bytes = 0, inFlight = 0, failed = 0, bucket = 3, seconds = 0.001 } = figures;
    const counts = NOTHING.duration.counts.map((_, i) => (i === bucket ? commands - inFlight : 0));
    const sum = (commands - inFlight) * seconds;
    return {
      ...NOTHING,
      commands,
      bytes,
      inFlight,
      duration: { counts, sum },
      targetDuration: { counts, sum: sum / 2 },
      failures: failed > 0 ? [{ status: 'busy', senseKey: 'none', count: failed }] : [],
    };
  };
  return {
    ...DB1_DISK,
    ...names,
    classes: { read: of(load.read), write: of(load.write), other: of(load.other) },
  };
}

const SIDE: SideSnapshot = { backpressureSeconds: 0, pings: 0, pingSeconds: 0, digestErrors: 0 };

export function nexus(
  denials: number,
  { initiator, target }: { readonly initiator: string; readonly target: string } = DB1_DISK,
): NexusSnapshot {
  return {
    initiator,
    target,
    sessions: 1,
    sides: { initiator: SIDE, target: SIDE },
    denials: denials > 0 ? [{ kind: 'write-protected', enforced: true, count: denials }] : [],
    taskManagement: [],
  };
}

/** A reading of a gateway with one session, `at` seconds after its start. */
export function gatewayStatus(at: number, changes: Partial<Status> = {}): Status {
  const started = Date.parse('2026-11-22T13:00:00.000Z');
  return {
    schema: 1,
    at: 1000 + at,
    time: new Date(started + at * 1000).toISOString(),
    gateway: {
      version: '0.1.0',
      startedAt: new Date(started).toISOString(),
      isReady: true,
      unauthenticated: 0,
      eventLoopDelayP99Seconds: 0.0012,
      residentBytes: 80 * 2 ** 20,
      reload: { settingsSince: new Date(started).toISOString() },
    },
    listeners: [
      {
        listener: '0.0.0.0:3261',
        certificateNotAfter: '2027-11-22T13:00:00.000Z',
        crlNextUpdate: '2026-11-27T13:00:00.000Z',
      },
    ],
    backends: [{ name: 'array1', isUp: true, sessions: 1 }],
    sessions: [SESSION],
    bounds: { durationSeconds: DURATION_BOUNDS, sizeBytes: SIZE_BOUNDS },
    accounts: [],
    nexuses: [nexus(0)],
    overflow: 0,
    refusals: [],
    ...changes,
  };
}
