import { isIPv6, SocketAddress } from 'node:net';
import { plainAddress } from './plainAddress.ts';

const GROUPS = 8;
const NETWORK_GROUPS = 4;

/**
 * What one host has for itself: an IPv4 address, also in its mapped form, or a network of IPv6, `2001:db8:0:1::/64`, of whose
 * addresses it may take any (RFC 4291 §2.5.1, RFC 8981).
 */
export function hostNetwork(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const shortest = plainAddress(new SocketAddress({ address: plain, family: 'ipv6' }).address);
  if (!isIPv6(shortest)) return shortest;
  const [before = '', after] = shortest.split('::');
  const groups = before === '' ? [] : before.split(':');
  const behind = after === undefined || after === '' ? [] : after.split(':');
  // An IPv4 address at the end stands for two groups.
  const length = groups.length + behind.length + (after?.includes('.') === true ? 1 : 0);
  if (after !== undefined) groups.push(...Array<string>(GROUPS - length).fill('0'), ...behind);
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
