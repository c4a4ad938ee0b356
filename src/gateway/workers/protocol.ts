import { z } from 'zod';
import type { HistogramSnapshot } from '../../accounting/snapshot.ts';
import type { PackedGatewayConfig } from '../../config/packedConfig.ts';
import { classFigures, nexusFigures, perClass, traffic } from '../../telemetry/figuresSchema.ts';
import { sessionSummary } from '../../telemetry/sessionSummary.ts';
import type { PackedGatewayCredentials } from '../../tls/packedCredentials.ts';
import { packedFailure, unpackFailure } from '../../workers/packedFailure.ts';
import type { HaveSameKeys } from '../../workers/sameKeys.ts';
import { processFigures } from '../../telemetry/workerFigures.ts';
import type { Presence, PresenceRule } from '../guards.ts';
import type { PlaneFigures } from '../plane.ts';
import { peer, workerEvent } from './eventSchema.ts';

/** Settings in plain data. Control has parsed what they come from, and made this. */
export interface PackedGatewaySettings {
  readonly config: PackedGatewayConfig;
  readonly credentials: readonly PackedGatewayCredentials[];
}

const settings = z.custom<PackedGatewaySettings>((value) => typeof value === 'object' && value !== null);
const nothing = z.void();
const failure = packedFailure.transform(unpackFailure);
const number = z.int().min(0);
const text = z.string();

const histogram = z.object({
  bounds: z.array(z.number()),
  counts: z.array(z.number()),
  sum: z.number(),
  count: z.number(),
}) satisfies z.ZodType<HistogramSnapshot>;

/** What a worker says of itself, and of the connections that it has. */
export interface GatewayWorkerFigures extends Omit<PlaneFigures, 'workers' | 'crashes'> {
  readonly process: z.output<typeof processFigures>;
}

const planeFigures = z.strictObject({
  sessions: z.array(sessionSummary),
  traffic: z.strictObject({ initiator: traffic, target: traffic }),
  ledger: z.strictObject({
    accounts: z.array(
      z.object({ initiator: text, target: text, lun: text, classes: perClass(classFigures(histogram)) }),
    ),
    nexuses: z.array(nexusFigures),
    overflow: z.number(),
  }),
  backends: z.array(z.strictObject({ name: text, isUp: z.boolean(), triedAt: z.number().exactOptional() })),
  process: processFigures,
});

true satisfies HaveSameKeys<GatewayWorkerFigures, z.output<typeof planeFigures>>;

const figures: z.ZodType<GatewayWorkerFigures> = planeFigures;

/** What control asks of a worker. */
export const toWorker = {
  /** The first of all: what holds, and the key by which workers know each other's CHAP challenges. */
  start: { body: z.strictObject({ settings, challengeKey: z.instanceof(Buffer) }), answer: nothing },
  /**
   * Goes with a socket. `at`: when it was accepted, by the monotonic clock that all processes share; ms. Answers whether the socket has
   * come with it.
   */
  take: {
    body: z.strictObject({ connection: number, listener: text, address: text, at: z.number() }),
    answer: z.boolean(),
  },
  /** It was not heard in time that this connection was taken: control has given it up. */
  drop: { body: z.strictObject({ connection: number }), answer: nothing },
  prepare: { body: z.strictObject({ settings }), answer: nothing },
  /** Answers how many sessions end. */
  commit: { body: nothing, answer: number },
  cancel: { body: nothing, answer: nothing },
  figures: { body: nothing, answer: figures },
  /** A session that has begun here ends at once. */
  end: { body: z.strictObject({ entrance: number, failure }), answer: nothing },
  dismissAll: { body: z.strictObject({ failure, graceMs: z.number() }), answer: nothing },
  stop: { body: z.strictObject({ failure }), answer: nothing },
} as const;

const presence = z.strictObject({
  initiatorName: text,
  certificate: text,
  serial: text,
  names: text,
  address: text,
  nexus: text.exactOptional(),
});

true satisfies HaveSameKeys<Presence, z.output<typeof presence>>;

const rule = z.strictObject({ id: text, location: text, maxSessions: number, cluster: z.boolean() });

true satisfies HaveSameKeys<PresenceRule, z.output<typeof rule>>;

/** What a worker asks of control. */
export const toControl = {
  /** A connection needs its place, in the anteroom or among those that wait, no more. */
  leftPlace: { body: z.strictObject({ connection: number }), answer: nothing },
  ended: { body: z.strictObject({ connection: number }), answer: nothing },
  /** A connection whose certificate is good says nothing yet. Answers whether it has a place to wait. */
  wait: { body: z.strictObject({ connection: number, sha256: text }), answer: z.boolean() },
  event: { body: workerEvent, answer: nothing },
  /** `entrance` is the worker's own number for it. */
  enter: {
    body: z.strictObject({
      entrance: number,
      presence,
      rule,
    }),
    answer: z.strictObject({ id: number, duplicateOf: presence.exactOptional() }),
  },
  begin: { body: z.strictObject({ entrance: number, peer, target: text }), answer: nothing },
  leave: { body: z.strictObject({ entrance: number }), answer: nothing },
} as const;
