import { z } from 'zod';

/** Figures of a ledger, and traffic: the shapes that a worker's report and `/status.json` have in common. */

/** @param histogram what tells one; who knows the bounds needs them not told */
export const classFigures = <H extends z.ZodType>(histogram: H) =>
  z.object({
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

export const perClass = <C extends z.ZodType>(figures: C) =>
  z.object({ read: figures, write: figures, other: figures });

const side = z.object({
  backpressureSeconds: z.number(),
  pings: z.number(),
  pingSeconds: z.number(),
  digestErrors: z.number(),
});

export const nexusFigures = z.object({
  initiator: z.string(),
  target: z.string(),
  sessions: z.number(),
  sides: z.object({ initiator: side, target: side }),
  denials: z.array(z.object({ kind: z.string(), enforced: z.boolean(), count: z.number() })),
  taskManagement: z.array(z.object({ function: z.string(), response: z.string(), count: z.number() })),
});

export const traffic = z.object({ pdus: z.number(), bytes: z.number() });
