import type { X509Certificate } from 'node:crypto';
import { CredentialsError } from './credentialsError.ts';
import { RevocationList } from './revocationList.ts';
import { isNear } from './nearEnd.ts';
import { readPemFile } from './pemFile.ts';

/** A CRL file, and what its lists are worth to the authorities that are trusted. */
interface Revocations {
  /** One block each. */
  readonly pem: readonly string[];
  readonly lists: readonly RevocationList[];
  /** When the first authority's list ends, milliseconds since 1970; 0 if one has none; absent: never. */
  readonly nextUpdate: number | undefined;
  /** Authorities whose every peer is refused, with the reason. */
  readonly shutOut: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads a CRL file for these authorities; throws `CredentialsError`. */
export async function loadRevocations(
  file: string,
  authorities: readonly X509Certificate[],
  now: number,
): Promise<Revocations> {
  const pem = await readPemFile(file, /^X509 CRL$/, 'CRL');
  const lists = pem.map((block) => parseCrl(file, block));
  const ends: number[] = [];
  const shutOut: string[] = [];
  const warnings: string[] = [];
  for (const authority of authorities) {
    const which = `the authority with serial ${authority.serialNumber}`;
    const list = listOf(authority, lists, now);
    ends.push(list === undefined ? 0 : endOf(list));
    if (list === undefined) {
      shutOut.push(`${file}: no CRL in it is signed by ${which}; its peers are refused until there is one`);
    } else if (endOf(list) < now) {
      shutOut.push(
        `${file}: the CRL of ${which} expired at ${date(list)}; its peers are refused until a newer one is here`,
      );
    } else if (isNear(endOf(list), now)) {
      warnings.push(
        `${file}: the CRL of ${which} ends at ${date(list)}; its peers are refused from then on: sign a new one before`,
      );
    }
  }
  const nextUpdate = Math.min(...ends);
  return { pem, lists, nextUpdate: nextUpdate === Infinity ? undefined : nextUpdate, shutOut, warnings };
}

/** The list that holds for an authority: of those that it has signed one that has not ended, and of these the newest. */
export function listOf(
  authority: X509Certificate,
  lists: readonly RevocationList[],
  now: number,
): RevocationList | undefined {
  const isOver = (list: RevocationList): number => (endOf(list) < now ? 1 : 0);
  return lists
    .filter((list) => list.isSignedBy(authority))
    .toSorted((a, b) => isOver(a) - isOver(b) || b.thisUpdate - a.thisUpdate)[0];
}

/** Whether one of these authorities has issued the certificate and lists it. */
export function isRevoked(
  certificate: X509Certificate,
  authorities: readonly X509Certificate[],
  lists: readonly RevocationList[],
): boolean {
  return lists
    .filter((list) => list.lists(certificate))
    .some((list) =>
      authorities.some(
        (authority) =>
          certificate.checkIssued(authority) &&
          certificate.verify(authority.publicKey) &&
          list.isSignedBy(authority),
      ),
    );
}

/** Milliseconds since 1970. */
export const endOf = ({ nextUpdate = Infinity }: RevocationList): number => nextUpdate;

const date = (list: RevocationList): string => new Date(endOf(list)).toISOString();

function parseCrl(file: string, block: string): RevocationList {
  try {
    return new RevocationList(block);
  } catch (cause) {
    const { message } = cause as Error;
    const problem =
      cause instanceof RangeError
        ? `holds a damaged CRL (${message}): fetch it again`
        : `holds a CRL that ${message}`;
    throw new CredentialsError(file, problem, { cause });
  }
}
