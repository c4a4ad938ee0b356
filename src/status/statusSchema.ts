import { z } from 'zod';
import { classFigures, nexusFigures, perClass } from '../telemetry/figuresSchema.ts';
import { sessionSummary } from '../telemetry/sessionSummary.ts';
import { workerFigures } from '../telemetry/workerFigures.ts';
import type { Status } from './status.ts';

const account = z.object({
  initiator: z.string(),
  target: z.string(),
  lun: z.string(),
  classes: perClass(classFigures(z.object({ counts: z.array(z.number()), sum: z.number() }))),
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
  workers: z.array(workerFigures).exactOptional(),
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
  nexuses: z.array(nexusFigures),
  overflow: z.number(),
  refusals: z.array(refusal),
}) satisfies z.ZodType<Status>;
