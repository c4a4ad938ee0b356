import { z } from 'zod';
import { Failure, FAILURE_REASONS } from '../failures.ts';

/** A failure as it crosses from one process to another. */
export const packedFailure = z.strictObject({
  reason: z.enum(FAILURE_REASONS as [Failure['reason'], ...Failure['reason'][]]),
  message: z.string(),
  wire: z.union([z.literal('close'), z.int().min(0).max(0xffff)]),
  /** Of a fault of our own, for the log. */
  stack: z.string().exactOptional(),
});

export type PackedFailure = z.output<typeof packedFailure>;

export function packFailure({ reason, message, wire, cause, stack }: Failure): PackedFailure {
  const ownStack = cause instanceof Error ? cause.stack : stack;
  return {
    reason,
    message,
    wire,
    ...(reason === 'internal_error' && ownStack !== undefined && { stack: ownStack }),
  };
}

export function unpackFailure({ reason, message, wire, stack }: PackedFailure): Failure {
  const failure = new Failure(reason, message, { wire });
  if (stack !== undefined) failure.stack = stack;
  return failure;
}
