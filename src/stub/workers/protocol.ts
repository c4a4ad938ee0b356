import { z } from 'zod';
import type { StubConfig } from '../../config/stubConfig.ts';
import type { PackedStubCredentials } from '../../tls/packedCredentials.ts';
import { DialError } from '../../transport/dial.ts';
import { processFigures } from '../../telemetry/workerFigures.ts';
import type { HaveSameKeys } from '../../workers/sameKeys.ts';
import type { StubEvent } from '../stub.ts';

/** Settings in plain data. Control has parsed what they come from, and made this. */
export interface PackedStubSettings {
  readonly config: StubConfig;
  readonly credentials: PackedStubCredentials;
}

const settings = z.custom<PackedStubSettings>((value) => typeof value === 'object' && value !== null);
const nothing = z.void();
const number = z.int().min(0);
const text = z.string();

/** `reasons`: each gateway's, if none could be reached. */
const error = z
  .strictObject({ message: text, reasons: z.array(text).exactOptional() })
  .transform(({ message, reasons }) => (reasons === undefined ? new Error(message) : new DialError(reasons)));

const event = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('opened'), initiator: text, gateway: text, wasWarm: z.boolean() }),
  z.strictObject({ kind: z.literal('kept') }),
  z.strictObject({ kind: z.literal('reopened'), initiator: text, gateway: text }),
  z.strictObject({
    kind: z.literal('closed'),
    initiator: text,
    gateway: text,
    received: number,
    error: error.exactOptional(),
  }),
  z.strictObject({ kind: z.literal('unreachable'), initiator: text, hadWarm: z.boolean(), error }),
  z.strictObject({ kind: z.literal('refused'), initiator: text, hadWarm: z.boolean(), detail: text }),
  z.strictObject({ kind: z.literal('cutShort'), gateway: text, seconds: number }),
  z.strictObject({ kind: z.literal('warmth'), error: error.exactOptional() }),
]) satisfies z.ZodType<StubEvent>;

true satisfies HaveSameKeys<StubEvent, z.output<typeof event>>;

/** An event in plain data. */
export function packEvent(event: StubEvent): z.input<typeof toControl.event.body> {
  if (!('error' in event) || event.error === undefined) return event;
  const { message } = event.error;
  const reasons = event.error instanceof DialError ? { reasons: [...event.error.reasons] } : {};
  return { ...event, error: { message, ...reasons } };
}

const figures = z.strictObject({ tunnels: number, warm: number, process: processFigures });

export type StubWorkerFigures = z.output<typeof figures>;

/** What control asks of a worker. */
export const toWorker = {
  /** The first of all. */
  start: { body: z.strictObject({ settings }), answer: nothing },
  /** Goes with a socket. Answers whether it has come with it. */
  take: { body: z.strictObject({ connection: number }), answer: z.boolean() },
  /** It was not heard in time that this connection was taken: control has given it up. */
  drop: { body: z.strictObject({ connection: number }), answer: nothing },
  /** For connections to come. Nothing in it can fail, so it needs no preparation. */
  use: { body: z.strictObject({ settings }), answer: nothing },
  figures: { body: nothing, answer: figures },
  stop: { body: nothing, answer: nothing },
} as const;

/** What a worker tells control. */
export const toControl = {
  ended: { body: z.strictObject({ connection: number }), answer: nothing },
  event: { body: event, answer: nothing },
} as const;
