/** Serial number arithmetic modulo 2^32 for CmdSN, StatSN and their like (RFC 1982, RFC 7143 §3.2.2.1). */

export function serialAdd(serial: number, increment: number): number {
  return (serial + increment) >>> 0;
}

/** True if `a` comes before `b`; false if they are equal or exactly 2^31 apart, where RFC 1982 gives no order. */
export function serialBefore(a: number, b: number): boolean {
  const distance = (b - a) >>> 0;
  return distance !== 0 && distance < 0x80000000;
}
