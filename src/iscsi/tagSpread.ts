import { randomInt } from 'node:crypto';

/** Odd, and another one in each process: tags are the initiator's choice, and it must not know which of them collide. */
export const SPREAD_KEY = (randomInt(0, 2 ** 31) * 2 + 1) | 0;

/**
 * Spreads tags over 32 bits, of which the highest say where in a table a tag belongs. The product alone would crowd tags that count
 * upwards, for some keys and steps (Knuth, TAOCP 3, 6.4); what follows leaves them no order.
 */
export function spreadTag(tag: number, key: number): number {
  let bits = Math.imul(tag, key);
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  return Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
}
