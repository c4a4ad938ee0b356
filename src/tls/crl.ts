import { verify, type X509Certificate } from 'node:crypto';
import { derElements, type DerElement } from './der.ts';

/**
 * What an operator must know of a CRL before it refuses people. Enforcing it is OpenSSL's work, which does not
 * tell these things.
 */
export interface CrlSummary {
  /** When it expires and everybody is refused, milliseconds since 1970; absent if it never does. */
  readonly nextUpdate?: number;
  /** False only if it is certain that this CA did not sign. */
  mayBeSignedBy(ca: X509Certificate): boolean;
}

/** Reads a CertificateList (RFC 5280 §5.1) from one PEM block; throws on anything else. */
export function summarizeCrl(pem: string): CrlSummary {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const [list] = derElements(der);
  const [toBeSigned, algorithm, signature] = children(list);
  const [algorithmId] = children(algorithm);
  if (algorithmId?.tag !== TAG.oid || signature?.tag !== TAG.bitString) throw new RangeError('not a CRL');
  const times = children(toBeSigned).filter(({ tag }) => tag === TAG.utcTime || tag === TAG.generalizedTime);
  if (times.length === 0) throw new RangeError('not a CRL');
  const nextUpdate = times[1] && timeOf(times[1]);
  const digest = DIGESTS.get(algorithmId.content.toString('hex'));
  return {
    ...(nextUpdate !== undefined && { nextUpdate }),
    mayBeSignedBy: (ca) =>
      // an algorithm that is not listed here (RSASSA-PSS) is left to OpenSSL
      digest === undefined || verify(digest, toBeSigned!.whole, ca.publicKey, signature.content.subarray(1)),
  };
}

const TAG = { bitString: 0x03, oid: 0x06, sequence: 0x30, utcTime: 0x17, generalizedTime: 0x18 };

/** Signature algorithms by the content of their OID, hex (RFC 4055, RFC 5758, RFC 8410). */
const DIGESTS = new Map<string, string | null>([
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
  ['2b6570', null],
]);

function children(element: DerElement | undefined): DerElement[] {
  if (element?.tag !== TAG.sequence) throw new RangeError('not a CRL');
  return [...derElements(element.content)];
}

/** UTCTime `YYMMDDhhmmssZ` or GeneralizedTime `YYYYMMDDhhmmssZ` (RFC 5280 §4.1.2.5). */
function timeOf({ tag, content }: DerElement): number {
  const text = content.toString('latin1');
  const digits = tag === TAG.utcTime ? `${text < '50' ? '20' : '19'}${text}` : text;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  if (!match) throw new RangeError('a time in the CRL is malformed');
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    ...number[],
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
