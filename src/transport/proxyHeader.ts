import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Portal } from '../iscsi/targetAddress.ts';

/**
 * The PROXY protocol's version 2 header (HAProxy's specification, section 2.2). The stub sends one inside the tunnel: source is
 * the initiator, destination is the address that the initiator dialled, which is the one that discovery then shows it.
 */
export interface ProxyHeader {
  readonly source: Portal;
  readonly destination: Portal;
  /** The destination's host by name, if it is known by one (PP2_TYPE_AUTHORITY). */
  readonly authority?: string;
}

export const PROXY_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

const FIXED_LENGTH = 16;
/** Addresses of IPv6 and some type-length-values; more is nobody's. */
const MAX_LENGTH = 512;
const VERSION_AND_PROXY = 0x21;
const VERSION_AND_LOCAL = 0x20;
const TCP4 = 0x11;
const TCP6 = 0x21;
const AUTHORITY = 0x02;
const MAX_AUTHORITY_LENGTH = 255;

/** The first byte already tells a PROXY header from iSCSI, whose first byte is a Login Request's 43h or 03h. */
export function mayBeProxyHeader(firstByte: number): boolean {
  return firstByte === PROXY_SIGNATURE[0];
}

export function encodeProxyHeader({ source, destination, authority = '' }: ProxyHeader): Buffer {
  const isV4 = isIPv4(source.host) && isIPv4(destination.host);
  const addressLength = isV4 ? 4 : 16;
  const portsAt = FIXED_LENGTH + addressLength * 2;
  const authorityLength = authority === '' ? 0 : 3 + Buffer.byteLength(authority);
  const header = Buffer.alloc(portsAt + 4 + authorityLength);
  PROXY_SIGNATURE.copy(header);
  header[12] = VERSION_AND_PROXY;
  header[13] = isV4 ? TCP4 : TCP6;
  header.writeUInt16BE(header.length - FIXED_LENGTH, 14);
  addressBytes(source.host, isV4).copy(header, FIXED_LENGTH);
  addressBytes(destination.host, isV4).copy(header, FIXED_LENGTH + addressLength);
  header.writeUInt16BE(source.port, portsAt);
  header.writeUInt16BE(destination.port, portsAt + 2);
  if (authorityLength > 0) {
    header[portsAt + 4] = AUTHORITY;
    header.writeUInt16BE(authorityLength - 3, portsAt + 5);
    header.write(authority, portsAt + 7);
  }
  return header;
}

export type ProxyHeaderRead =
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed'; readonly why: string }
  /** `header` is absent for a LOCAL command: the sender speaks for itself, e.g. a health check. */
  | { readonly kind: 'header'; readonly header?: ProxyHeader; readonly length: number };

/** Reads a header from the start of a connection; it costs at most MAX_LENGTH bytes. */
export function readProxyHeader(bytes: Buffer): ProxyHeaderRead {
  const known = Math.min(bytes.length, PROXY_SIGNATURE.length);
  if (!bytes.subarray(0, known).equals(PROXY_SIGNATURE.subarray(0, known))) {
    return { kind: 'malformed', why: 'the signature is wrong' };
  }
  if (bytes.length < FIXED_LENGTH) return { kind: 'more' };
  const length = FIXED_LENGTH + bytes.readUInt16BE(14);
  if (length > MAX_LENGTH) return { kind: 'malformed', why: `a length of ${length} bytes` };
  if (bytes.length < length) return { kind: 'more' };
  if (bytes[12] === VERSION_AND_LOCAL) return { kind: 'header', length };
  if (bytes[12] !== VERSION_AND_PROXY) return { kind: 'malformed', why: 'unknown version or command' };
  const family = bytes[13];
  const addressLength = family === TCP4 ? 4 : family === TCP6 ? 16 : 0;
  if (addressLength === 0) return { kind: 'malformed', why: 'neither TCP over IPv4 nor over IPv6' };
  const portsAt = FIXED_LENGTH + addressLength * 2;
  if (portsAt + 4 > length) return { kind: 'malformed', why: 'the addresses are cut short' };
  const source = {
    host: addressText(bytes.subarray(FIXED_LENGTH, FIXED_LENGTH + addressLength)),
    port: bytes.readUInt16BE(portsAt),
  };
  const destination = {
    host: addressText(bytes.subarray(FIXED_LENGTH + addressLength, portsAt)),
    port: bytes.readUInt16BE(portsAt + 2),
  };
  const authority = readAuthority(bytes.subarray(portsAt + 4, length));
  const header = authority === undefined ? { source, destination } : { source, destination, authority };
  return { kind: 'header', header, length };
}

/** The first authority among the type-length-values; a name that is none is left out. */
function readAuthority(values: Buffer): string | undefined {
  for (let at = 0; at + 3 <= values.length;) {
    const length = values.readUInt16BE(at + 1);
    const value = values.subarray(at + 3, at + 3 + length);
    if (values[at] === AUTHORITY && length === value.length && length <= MAX_AUTHORITY_LENGTH) {
      const name = value.toString('latin1');
      if (/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name)) return name;
    }
    at += 3 + length;
  }
  return undefined;
}

function addressBytes(host: string, asV4: boolean): Buffer {
  if (asV4) return Buffer.from(host.split('.').map(Number));
  const mapped = isIPv4(host) ? `::ffff:${host}` : host;
  if (!isIPv6(mapped)) throw new TypeError(`${host} is not an IP address`);
  return ipv6Bytes(mapped);
}

function ipv6Bytes(host: string): Buffer {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  const text =
    dotted === null
      ? host
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head, tail] = text.split('::') as [string, string | undefined];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const words = tail === undefined ? left : [...left, ...zeros, ...right];
  const bytes = Buffer.alloc(16);
  words.forEach((word, i) => bytes.writeUInt16BE(Number.parseInt(word, 16), i * 2));
  return bytes;
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  const isMapped = words.slice(0, 5).every((word) => word === '0') && words[5] === 'ffff';
  if (isMapped) return [...bytes.subarray(12)].join('.');
  return new SocketAddress({ address: words.join(':'), family: 'ipv6' }).address;
}
