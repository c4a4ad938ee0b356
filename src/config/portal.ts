import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Portal } from '../iscsi/targetAddress.ts';
import { quote, ValueError } from './problem.ts';

export interface PortalOptions {
  readonly defaultPort: number;
  /** Listeners may leave the port to the kernel (0) and take every address (0.0.0.0, ::); a peer cannot be dialled so. */
  readonly purpose: 'listen' | 'dial';
}

/**
 * Reads `host:port`, `[v6]:port`, or either without a port. IPv6 comes out in its shortest form, names in lower case.
 *
 * @throws ValueError
 */
export function parsePortal(text: string, options: PortalOptions): Portal {
  const { host, port } = split(text, options);
  const at = { host: parseHost(host, text, options), port: parsePort(port, text, options) };
  if (options.purpose === 'dial' && (at.host === '0.0.0.0' || at.host === '::')) {
    throw new ValueError(
      `${quote(text)} means every address of a machine and cannot be dialled`,
      'write the address of one machine',
    );
  }
  return at;
}

/** True where nobody but this machine can connect. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** A DNS name in lower case, or undefined. A name whose last label is a number would be taken for an IPv4 address. */
export function parseDnsName(text: string): string | undefined {
  const name = text.toLowerCase();
  const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
  const labels = name.split('.');
  if (name.length > 253 || !labels.every((part) => label.test(part))) return undefined;
  return /^\d+$/.test(labels.at(-1) ?? '') ? undefined : name;
}

function split(text: string, { defaultPort }: PortalOptions): { host: string; port: string } {
  if (text.includes('%')) {
    throw new ValueError(
      `${quote(text)} has a zone (%…)`,
      'write an address that is valid without a zone, not a link-local one',
    );
  }
  if (text.includes('://')) {
    throw new ValueError(`${quote(text)} is a URL`, 'write host:port without a scheme');
  }
  const brackets = /^\[([^[\]]*)\](?::(.*))?$/.exec(text);
  if (brackets !== null) {
    const host = brackets[1] ?? '';
    if (!isIPv6(host)) {
      throw new ValueError(
        `no IPv6 address in the brackets of ${quote(text)}`,
        `write [2001:db8::1]:${defaultPort}; IPv4 addresses and names stand without brackets`,
      );
    }
    return { host, port: brackets[2] ?? String(defaultPort) };
  }
  const colon = text.lastIndexOf(':');
  if (colon !== text.indexOf(':')) {
    throw new ValueError(
      `${quote(text)} is IPv6 without brackets`,
      `write ${inBrackets(text, colon, defaultPort)}`,
    );
  }
  if (colon === -1) return { host: text, port: String(defaultPort) };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/** `2001:db8::5:3260` is a whole address by grammar and an address with a port by intention. */
function inBrackets(text: string, colon: number, defaultPort: number): string {
  const [host, port] = [text.slice(0, colon), text.slice(colon + 1)];
  if (/^\d{4,5}$/.test(port) && isIPv6(host)) return `[${host}]:${port}`;
  return isIPv6(text) ? `[${text}]:${defaultPort}` : `[2001:db8::1]:${defaultPort}`;
}

function parseHost(host: string, text: string, { defaultPort }: PortalOptions): string {
  if (isIPv4(host)) return host;
  if (isIPv6(host)) return new SocketAddress({ address: host, family: 'ipv6' }).address;
  const name = parseDnsName(host);
  if (name !== undefined) return name;
  throw new ValueError(
    `${quote(text)} has no valid IP address or host name`,
    `write 192.0.2.1:${defaultPort}, [2001:db8::1]:${defaultPort} or name.example.org:${defaultPort}`,
  );
}

function parsePort(port: string, text: string, { defaultPort, purpose }: PortalOptions): number {
  const lowest = purpose === 'listen' ? 0 : 1;
  const value = /^\d{1,5}$/.test(port) ? Number(port) : -1;
  if (value >= lowest && value <= 65535) return value;
  throw new ValueError(
    `${quote(text)} has no valid port`,
    `write a port from ${lowest} to 65535, or leave ":port" out for ${defaultPort}`,
  );
}
