import { z } from 'zod';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import type { Status } from '../telemetry/status/status.ts';

/** Names hold what a peer and an array wrote: they are printed by way of printable.ts alone. */
const traffic = z.object({ pdus: z.number(), bytes: z.number() });

export const sessionSummary = z.object({
  id: z.int().positive(),
  initiator: z.string(),
  rule: z.string(),
  certificate: z.string(),
  sha256: z.string(),
  serial: z.string(),
  address: z.string(),
  target: z.string(),
  backend: z.string(),
  portal: z.string(),
  since: z.iso.datetime(),
  commands: z.number(),
  denials: z.number(),
  fromInitiator: traffic,
  fromTarget: traffic,
}) satisfies z.ZodType<SessionSummary>;

const histogram = z.object({ counts: z.array(z.number()), sum: z.number() });

const classStatus = z.object({
  commands: z.number(),
  bytes: z.number(),
  inFlight: z.number(),
  aborted: z.number(),
  untimed: z.number(),
  sequential: z.number(),
  duration: histogram,
  targetDuration: histogram,
  initiatorWaitSeconds: z.number(),
  gatewaySeconds: z.number(),
  size: histogram,
  r2ts: z.number(),
  r2tWaitSeconds: z.number(),
  failures: z.array(z.object({ status: z.string(), senseKey: z.string(), count: z.number() })),
});

const account = z.object({
  initiator: z.string(),
  target: z.string(),
  lun: z.string(),
  classes: z.object({ read: classStatus, write: classStatus, other: classStatus }),
});

const side = z.object({
  backpressureSeconds: z.number(),
  pings: z.number(),
  pingSeconds: z.number(),
  digestErrors: z.number(),
});

const nexus = z.object({
  initiator: z.string(),
  target: z.string(),
  sessions: z.number(),
  sides: z.object({ initiator: side, target: side }),
  denials: z.array(z.object({ kind: z.string(), enforced: z.boolean(), count: z.number() })),
  taskManagement: z.array(z.object({ function: z.string(), response: z.string(), count: z.number() })),
});

const refusal = z.object({
  time: z.iso.datetime(),
  count: z.number(),
  stage: z.enum(['connection', 'tls', 'login', 'request']),
  address: z.string(),
  certificate: z.string().exactOptional(),
  initiator: z.string().exactOptional(),
  target: z.string().exactOptional(),
  reason: z.string(),
  detail: z.string(),
  rule: z.string().exactOptional(),
  enforced: z.boolean(),
});

/** `/status.json` as a gateway of this version gives it. */
export const statusSchema = z.object({
  schema: z.literal(1),
  at: z.number(),
  time: z.iso.datetime(),
  gateway: z.object({
    version: z.string(),
    startedAt: z.iso.datetime(),
    isReady: z.boolean(),
    unauthenticated: z.number(),
    eventLoopDelayP99Seconds: z.number(),
    residentBytes: z.number(),
    reload: z.object({ settingsSince: z.iso.datetime(), problem: z.string().exactOptional() }),
  }),
  listeners: z.array(
    z.object({
      listener: z.string(),
      certificateNotAfter: z.iso.datetime(),
      crlNextUpdate: z.iso.datetime().exactOptional(),
    }),
  ),
  backends: z.array(z.object({ name: z.string(), isUp: z.boolean(), sessions: z.number() })),
  sessions: z.array(sessionSummary),
  bounds: z.object({ durationSeconds: z.array(z.number()).min(1), sizeBytes: z.array(z.number()) }),
  accounts: z.array(account),
  nexuses: z.array(nexus),
  overflow: z.number(),
  refusals: z.array(refusal),
}) satisfies z.ZodType<Status>;
