import type { Inventory, ListedCertificate } from '../../pki/inventory.ts';
import { certificateIdentity } from '../../tls/certificateIdentity.ts';
import { fingerprintOf } from '../../tls/fingerprint.ts';
import { isNear } from '../../tls/nearEnd.ts';
import { parseSubjectAltName } from '../../tls/subjectAltName.ts';
import { printable } from '../../telemetry/printable.ts';
import { usagesOf } from './usages.ts';

/** What `sangate pki list --json` prints. Times are ISO 8601 in UTC; days are whole ones, below 0 after the end. */
interface Listing {
  readonly authority: { readonly serial: string; readonly notAfter: string; readonly daysLeft: number };
  readonly crl: {
    readonly file: string;
    readonly number: number;
    readonly thisUpdate: string;
    /** Null if the list never ends. */
    readonly nextUpdate: string | null;
    readonly daysLeft: number | null;
    readonly revoked: readonly { readonly serial: string; readonly revokedAt: string }[];
  };
  readonly certificates: readonly ListedEntry[];
  readonly unreadable: readonly string[];
}

interface ListedEntry {
  readonly name: string;
  readonly file: string;
  readonly state: 'valid' | 'not yet' | 'expired' | 'revoked' | 'foreign';
  readonly usage: readonly ('server' | 'client')[];
  /** As rules match them; null if they cannot be read without doubt, and no rule matches. */
  readonly names: Names | null;
  readonly serial: string;
  readonly sha256: string;
  readonly notAfter: string;
  readonly daysLeft: number;
  readonly revokedAt: string | null;
}

interface Names {
  readonly cn: string | null;
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly uri: readonly string[];
}

export function pkiListing({ authority, crlFile, crl, ...found }: Inventory, now: Date): Listing {
  const { nextUpdate } = crl;
  const caNotAfter = new Date(authority.validTo);
  return {
    authority: {
      serial: authority.serialNumber,
      notAfter: caNotAfter.toISOString(),
      daysLeft: daysLeft(caNotAfter, now),
    },
    crl: {
      file: crlFile,
      number: crl.number,
      thisUpdate: crl.thisUpdate.toISOString(),
      nextUpdate: nextUpdate?.toISOString() ?? null,
      daysLeft: nextUpdate ? daysLeft(nextUpdate, now) : null,
      revoked: crl.revoked.map(({ serial, revokedAt }) => ({ serial, revokedAt: revokedAt.toISOString() })),
    },
    certificates: found.certificates.map((listed) => entry(listed, now)),
    unreadable: found.unreadable,
  };
}

/** The same for a person: a line a certificate, its serial number and its names below; 80 columns if names are short. */
export function pkiTable({ authority, crl, certificates, unreadable }: Listing): string {
  const width = Math.min(32, Math.max(4, ...certificates.map(({ name }) => name.length)));
  const row = (name: string, usage: string, notAfter: string, days: string, state: string): string =>
    `${name.padEnd(width)}  ${usage.padEnd(6)}  ${notAfter.padEnd(10)}  ${days.padStart(5)}  ${state}`;
  const listed = new Set(certificates.filter(({ state }) => state === 'revoked').map(({ serial }) => serial));
  const elsewhere = crl.revoked.filter(({ serial }) => !listed.has(serial));
  const lines = [
    `authority: until ${day(authority.notAfter)} (${daysText(authority.daysLeft)})`,
    `revocation list: number ${crl.number}, ${crl.revoked.length} revoked, ${nextUpdateText(crl)}`,
    '',
    ...(certificates.length > 0
      ? [row('NAME', 'USAGE', 'NOT AFTER', 'DAYS', 'STATE'), ...certificates.flatMap(block)]
      : ['no certificates']),
    ...(elsewhere.length > 0 ? ['', 'revoked, without a file here:'] : []),
    ...elsewhere.map(({ serial, revokedAt }) => `  serial ${serial}, ${day(revokedAt)}`),
    ...unreadable.flatMap((file) => ['', `${file} holds no certificate`]),
  ];
  return lines.map(printable).join('\n');

  function block(listed: ListedEntry): string[] {
    const { name, usage, notAfter, daysLeft, serial, sha256, names, ...rest } = listed;
    const usages = usage.length === 1 ? usage[0]! : usage.length === 0 ? 'none' : 'both';
    return [
      row(name, usages, day(notAfter), String(daysLeft), stateText(rest)),
      `  serial ${serial}`,
      `  sha256 ${sha256}`,
      ...(names === null ? ['  names that cannot be read: no rule matches them'] : namesText(names, name)),
    ];
  }
}

/** What ends within the time in which the alerts and `sangate check` warn of it too, one sentence each. */
export function endingSoon({ authority, crl, certificates }: Listing, now: Date): string[] {
  const ends = [
    { what: 'the authority', at: authority.notAfter },
    { what: 'the revocation list', at: crl.nextUpdate },
    ...certificates
      .filter(({ state }) => state === 'valid')
      .map(({ file, notAfter }) => ({ what: file, at: notAfter })),
  ];
  return ends.flatMap(({ what, at }) =>
    at !== null && isNear(Date.parse(at), now.getTime()) ? `${what} ends at ${at}` : [],
  );
}

const DAY = 86_400_000;

const daysLeft = (end: Date, now: Date): number => Math.floor((end.getTime() - now.getTime()) / DAY);

function entry({ certificate, revokedAt, ours, ...listed }: ListedCertificate, now: Date): ListedEntry {
  const notAfter = new Date(certificate.validTo);
  const state =
    revokedAt !== undefined
      ? 'revoked'
      : !ours
        ? 'foreign'
        : now > notAfter
          ? 'expired'
          : now < new Date(certificate.validFrom)
            ? 'not yet'
            : 'valid';
  return {
    name: listed.name,
    file: listed.file,
    state,
    usage: usagesOf(certificate),
    names: namesOf(certificate),
    serial: listed.serial,
    sha256: fingerprintOf(certificate),
    notAfter: notAfter.toISOString(),
    daysLeft: daysLeft(notAfter, now),
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}

/** Extended key usages (RFC 5280 §4.2.1.12); without any, a certificate is good for both sides. */
function namesOf(certificate: ListedCertificate['certificate']): Names | null {
  try {
    const { cn, dns, uri } = certificateIdentity(certificate);
    const ip = parseSubjectAltName(certificate.subjectAltName ?? '')
      .filter(({ type }) => type === 'IP Address')
      .map(({ value }) => value);
    return { cn: cn ?? null, dns, ip, uri };
  } catch {
    return null;
  }
}

const namesText = ({ cn, dns, ip, uri }: Names, file: string): string[] => [
  ...(cn !== null && cn !== file ? [`  cn ${cn}`] : []),
  ...dns.map((name) => `  dns ${name}`),
  ...ip.map((address) => `  ip ${address}`),
  ...uri.map((name) => `  uri ${name}`),
];

function stateText({ state, revokedAt }: Pick<ListedEntry, 'state' | 'revokedAt'>): string {
  if (state === 'revoked') return `revoked ${day(revokedAt!)}`;
  return state === 'foreign' ? 'of another authority' : state;
}

function nextUpdateText({ nextUpdate, daysLeft }: Listing['crl']): string {
  if (nextUpdate === null || daysLeft === null) return 'without an end';
  return daysLeft < 0
    ? `ended ${day(nextUpdate)}: everybody is refused`
    : `next by ${day(nextUpdate)} (${daysText(daysLeft)})`;
}

const daysText = (days: number): string => (days === 1 ? '1 day' : `${days} days`);

const day = (iso: string): string => iso.slice(0, 10);
