import { randomBytes } from 'node:crypto';

/** An ISID of the random format (RFC 7143 §11.12.5, T = 10b): no vendor's, never the same twice. */
export function randomIsid(): Buffer {
  const isid = randomBytes(6);
  isid[0] = 0x80;
  return isid;
}
