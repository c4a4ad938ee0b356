import { z } from 'zod';
import { DENIAL_KINDS } from '../../accounting/nexus.ts';
import type { GatewayEvent } from '../../telemetry/events.ts';
import { traffic } from '../../telemetry/figuresSchema.ts';
import { packedFailure, packFailure, unpackFailure } from '../../workers/packedFailure.ts';
import type { HaveSameKeys } from '../../workers/sameKeys.ts';

/** What happens on a worker; the rest happens in control. */
export type WorkerEvent = Extract<
  GatewayEvent,
  {
    readonly kind:
      'handshake' | 'unused' | 'login' | 'duplicate' | 'discovery' | 'denied' | 'notable' | 'sessionEnded';
  }
>;

const text = z.string();
const count = z.int().min(0);
const failure = packedFailure.transform(unpackFailure);

export const peer = z.strictObject({
  address: text,
  certificate: text.exactOptional(),
  sha256: text.exactOptional(),
  serial: text.exactOptional(),
  initiatorName: text.exactOptional(),
});

const inSession = { peer, session: count, target: text, rule: text };
const lun = z.union([z.number(), text]);

/** As `packEvent` made it. */
export const workerEvent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('handshake'), peer, failure: failure.exactOptional() }),
  z.strictObject({ kind: z.literal('unused'), peer, failure }),
  z.strictObject({
    kind: z.literal('login'),
    peer,
    sessionType: z.enum(['Normal', 'Discovery']).exactOptional(),
    target: text.exactOptional(),
    rule: text.exactOptional(),
    shadow: text.exactOptional(),
    backend: text.exactOptional(),
    portal: text.exactOptional(),
    session: count.exactOptional(),
    failure: failure.exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('duplicate'),
    peer,
    other: z.strictObject({ address: text, sha256: text, serial: text }),
    isRefused: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('discovery'),
    peer,
    shown: count,
    missing: z.array(z.strictObject({ backend: text, failure })),
    malformed: z.array(text),
    failure: failure.exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('denied'),
    ...inSession,
    denial: z.enum(DENIAL_KINDS),
    enforced: z.boolean(),
    what: text,
    operationCode: count.exactOptional(),
    taskFunction: count.exactOptional(),
    lun: lun.exactOptional(),
    suppressed: count,
  }),
  z.strictObject({
    kind: z.literal('notable'),
    ...inSession,
    effect: text,
    operationCode: count,
    lun,
    suppressed: count,
  }),
  z.strictObject({
    kind: z.literal('sessionEnded'),
    peer,
    session: count,
    target: text,
    by: z.enum(['logout', 'initiator', 'target', 'gateway']),
    failure: failure.exactOptional(),
    denials: count,
    suppressed: count,
    fromInitiator: traffic,
    fromTarget: traffic,
  }),
]) satisfies z.ZodType<WorkerEvent>;

true satisfies HaveSameKeys<WorkerEvent, z.output<typeof workerEvent>>;

/** An event in plain data. */
export function packEvent(event: WorkerEvent): z.input<typeof workerEvent> {
  const failed =
    'failure' in event && event.failure !== undefined ? { failure: packFailure(event.failure) } : {};
  if (event.kind !== 'discovery') return { ...event, ...failed };
  const missing = event.missing.map(({ backend, failure }) => ({ backend, failure: packFailure(failure) }));
  return { ...event, ...failed, missing, malformed: [...event.malformed] };
}
