import { BlockList, isIP, SocketAddress } from 'node:net';
import IPCIDR from 'ip-cidr';
import type { AddressSet } from '../policy/rules.ts';
import { quote, ValueError } from './problem.ts';

/** A block of addresses. `address` is the first one, in its shortest form. */
export interface AddressRange {
  /** As the user wrote it. */
  readonly text: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly prefix: number;
}

const EXAMPLES =
  'write an address (203.0.113.7), or a range with its prefix length (203.0.113.0/24, 2001:db8::/48)';

/** The addresses in any of these ranges. An IPv4 address is in IPv4 ranges alone, however the socket spells it. */
export function addressSet(ranges: readonly AddressRange[]): AddressSet {
  // Two lists: one BlockList finds every IPv4 address in ::/0.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { family, address, prefix } of ranges) lists[family].addSubnet(address, prefix, family);
  const text = ranges.map((range) => range.text).join(', ');
  return {
    contains(address) {
      const peer = canonical(address);
      return peer !== undefined && lists[peer.family].check(peer.address, peer.family);
    },
    toString: () => text,
    example: ranges[0]?.address ?? '',
  };
}

/** Reads a single address or a CIDR range. @throws ValueError for anything that could be meant in two ways. */
export function parseAddressRange(text: string): AddressRange {
  if (/[[\]]/.test(text)) {
    throw new ValueError(
      `${quote(text)} has brackets`,
      `write ${text.replaceAll(/[[\]]/g, '')} without brackets`,
    );
  }
  if (text.includes('%')) {
    throw new ValueError(
      `${quote(text)} has a zone (%…), which no rule can check`,
      'write the address without its zone',
    );
  }
  const [addressPart = '', prefixPart, ...rest] = text.split('/');
  const plain = canonical(addressPart, { keepMapped: true });
  if (plain === undefined || rest.length > 0) throw notAnAddress(text, addressPart);
  const range = { text, ...plain, prefix: parsePrefix(text, prefixPart, plain.family) };
  if (isMapped(range)) {
    const ipv4 = range.address.replace('::ffff:', '');
    const prefix = range.prefix === 128 ? '' : `/${Math.max(range.prefix - 96, 0)}`;
    throw new ValueError(
      `${quote(text)} is IPv4 in IPv6 notation`,
      `write ${networkOf(ipv4, prefix)}, which matches both notations`,
    );
  }
  const network = networkOf(range.address, `/${range.prefix}`);
  if (network !== `${range.address}/${range.prefix}`) {
    throw new ValueError(
      `${quote(text)} has bits set behind its prefix`,
      `write ${network} for the range or ${range.address} for the one address`,
    );
  }
  return range;
}

/** True when every address of `inner` is in `outer` as well. */
export function covers(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  return new IPCIDR(`${inGroups(outer.address)}/${outer.prefix}`).contains(inGroups(inner.address));
}

/** Shortest form; `::ffff:` forms become IPv4, because a dual-stack socket shows IPv4 peers so. */
function canonical(
  text: string,
  { keepMapped = false } = {},
): Pick<AddressRange, 'address' | 'family'> | undefined {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return { family: 'ipv4', address: text };
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  return mapped === undefined || keepMapped
    ? { family: 'ipv6', address }
    : { family: 'ipv4', address: mapped };
}

function isMapped({ address, prefix }: { address: string; prefix: number }): boolean {
  return prefix >= 96 && /^::ffff:\d+\./.test(address);
}

/** @param prefix `/24`, or empty for a single address */
function networkOf(address: string, prefix: string): string {
  if (prefix === '') return address;
  const start = new IPCIDR(inGroups(address) + prefix).start<string>();
  return `${canonical(start, { keepMapped: true })?.address}${prefix}`;
}

/** `::192.0.2.1` as `::c000:201`: ip-cidr fails on the dotted form, which is the shortest one of such an address. */
function inGroups(address: string): string {
  if (!address.includes(':')) return address;
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}

function parsePrefix(text: string, prefix: string | undefined, family: 'ipv4' | 'ipv6'): number {
  const bits = family === 'ipv4' ? 32 : 128;
  if (prefix === undefined) return bits;
  const value = /^(0|[1-9]\d{0,2})$/.test(prefix) ? Number(prefix) : Infinity;
  if (value <= bits) return value;
  throw new ValueError(
    `${quote(text)} has no valid prefix length`,
    `write a number from 0 to ${bits} behind the slash`,
  );
}

function notAnAddress(text: string, address: string): ValueError {
  const withoutZeros = address.replaceAll(/(^|\.)0+(?=\d)/g, '$1');
  if (withoutZeros !== address && isIP(withoutZeros) === 4) {
    return new ValueError(
      `${quote(text)} has leading zeros, which some programs read as octal`,
      `write ${text.replace(address, withoutZeros)}`,
    );
  }
  return new ValueError(`${quote(text)} is not an IP address or range`, EXAMPLES);
}
