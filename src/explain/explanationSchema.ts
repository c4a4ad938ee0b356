import { z } from 'zod';
import type { Explanation } from './explanation.ts';
import { REQUEST_CLASSES } from './request.ts';

const verdict = z.enum(['allowed', 'denied', 'shadowed']);

const lunRow = z.object({
  luns: z.array(z.number()).nullable(),
  visible: verdict,
  requests: z.record(z.enum(REQUEST_CLASSES), verdict).exactOptional(),
});

const targetRow = z.object({
  target: z.string().nullable(),
  verdict,
  location: z.string(),
  mode: z.enum(['read-only', 'read-write']).exactOptional(),
  coveredBy: z.string().exactOptional(),
  luns: z.array(lunRow),
});

const loginPart = z.object({
  part: z.enum(['initiator', 'certificate', 'address', 'target']),
  fits: z.boolean(),
  assumed: z.boolean(),
  detail: z.string(),
});

/** An explanation as a gateway gives it. */
export const explanationSchema = z.object({
  verdict,
  initiator: z.string(),
  target: z.string().exactOptional(),
  lun: z.number().exactOptional(),
  request: z.string().exactOptional(),
  rule: z.object({ id: z.string(), location: z.string(), shadow: z.boolean() }).exactOptional(),
  access: z.object({ target: z.string(), location: z.string() }).exactOptional(),
  parts: z.array(loginPart),
  reason: z.string().exactOptional(),
  detail: z.string().exactOptional(),
  told: z.string().exactOptional(),
  unasked: z.array(z.string()),
  matrix: z.array(targetRow).exactOptional(),
}) satisfies z.ZodType<Explanation>;
