import { ProtocolError } from './protocolError.ts';

/** Where a portal listens. An IPv6 host stands here without brackets. */
export interface Portal {
  readonly host: string;
  readonly port: number;
}

export interface TargetAddress extends Portal {
  /** TargetPortalGroupTag; left out in redirects (RFC 7143 §13.8). */
  readonly portalGroupTag?: number;
}

export const ISCSI_PORT = 3260;

const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;
const IPV6_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const IPV4 = /^(?:(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/;

/**
 * Reads `host[:port][,tag]` (RFC 7143 §13.8). A scope id (`%eth0`) is refused: it means nothing on another machine.
 *
 * @throws ProtocolError `bad_value`
 */
export function parseTargetAddress(text: string): TargetAddress {
  const address = readTargetAddress(text);
  if (address === undefined) throw new ProtocolError('bad_value', describeBadAddress(text));
  return address;
}

/** As `parseTargetAddress`, without the cost of an error. @returns undefined for what is no address */
export function readTargetAddress(text: string): TargetAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:,[\]]+))(?::(\d{1,5}))?(?:,(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? ISCSI_PORT : Number(match[3]);
  const tag = match?.[4] === undefined ? undefined : Number(match[4]);
  const hostIsValid =
    host !== undefined && host.length <= 255 && (match?.[1] === undefined ? HOST.test(host) : isIPv6(host));
  if (!hostIsValid || port < 1 || port > 65535 || (tag !== undefined && tag > 65535)) return undefined;
  return tag === undefined ? { host, port } : { host, port, portalGroupTag: tag };
}

/** What is wrong with one that `readTargetAddress` refuses. */
export function describeBadAddress(text: string): string {
  return `${JSON.stringify(text.slice(0, 300))} is not an address: write host:port,tag or [ipv6]:port,tag`;
}

/** `host:port`, IPv6 in brackets, always with the port: initiators split at the last colon. */
export function formatPortal({ host, port }: Portal): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** RFC 4291 §2.2: eight groups, of which `::` stands for one or more and an IPv4 address at the end for two. */
function isIPv6(host: string): boolean {
  const runs = host.split('::');
  const groups = runs.flatMap((run) => (run === '' ? [] : run.split(':')));
  const endsInIPv4 = runs.at(-1) !== '' && IPV4.test(groups.at(-1)!);
  const count = endsInIPv4 ? groups.length + 1 : groups.length;
  const isCounted = runs.length === 1 ? count === 8 : runs.length === 2 && count < 8;
  return isCounted && (endsInIPv4 ? groups.slice(0, -1) : groups).every((group) => IPV6_GROUP.test(group));
}
