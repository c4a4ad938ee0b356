/** A socket's address as rules and people write it: IPv4 without the mapped form's prefix, IPv6 without its zone. */
export function plainAddress(address: string): string {
  const withoutZone = address.replace(/%.*$/, '');
  return withoutZone.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
