import type { X509Certificate } from 'node:crypto';
import type { GatewayCredentials } from './credentials.ts';
import type { RevocationList } from './revocationList.ts';
import { endOf, listOf } from './revocations.ts';

/** An authority's revocation list, as operators tell one from another. */
export interface ListInForce {
  readonly number?: string;
  /** Certificates on it. */
  readonly entries: number;
  /** Entries of the list before that it has no more. */
  readonly fewer?: number;
}

/**
 * Holds the revocation lists of a reload against those in force. A list that nobody could come in with, in place of one that
 * holds, is a mistake; an older list lets in whoever was revoked since, and no authority goes back.
 *
 * @returns the lists to come, one for each authority that has one
 * @throws Error that says which list stays in force, and why
 */
export function checkSuccession(
  before: GatewayCredentials | undefined,
  next: GatewayCredentials,
  now: number,
): ListInForce[] {
  const { revocations } = next;
  if (revocations === undefined) return [];
  return next.authorities.flatMap((authority) => {
    const old = listOf(authority, before?.revocations ?? [], now);
    const list = listOf(authority, revocations, now);
    if (old !== undefined) checkList(authority, old, list, now);
    return list === undefined ? [] : [inForce(list, old)];
  });
}

function checkList(
  authority: X509Certificate,
  old: RevocationList,
  list: RevocationList | undefined,
  now: number,
): void {
  const of = `of the authority with serial ${authority.serialNumber}`;
  if (endOf(old) >= now && (list === undefined || endOf(list) < now)) {
    const what = list === undefined ? 'there is no revocation list' : 'the revocation list has ended';
    throw new Error(
      `${what} ${of}, and ${name(old)} that is in force holds: bring one that this authority has signed and that has not ended`,
    );
  }
  if (list !== undefined && isOlder(list, old)) {
    throw new Error(
      `${name(list)} ${of} is older than ${name(old)} that is in force, and would let in who was revoked since: bring the newest; if an older one is meant, restart the gateway`,
    );
  }
}

function isOlder(list: RevocationList, old: RevocationList): boolean {
  return list.number !== undefined && old.number !== undefined
    ? list.number < old.number
    : list.thisUpdate < old.thisUpdate;
}

const name = ({ number, thisUpdate }: RevocationList): string =>
  `revocation list ${number ?? ''} of ${new Date(thisUpdate).toISOString()}`.replace('  ', ' ');

function inForce(list: RevocationList, old: RevocationList | undefined): ListInForce {
  const fewer = old === undefined ? 0 : list.lacks(old);
  return {
    ...(list.number !== undefined && { number: list.number.toString() }),
    entries: list.size,
    ...(fewer > 0 && { fewer }),
  };
}
