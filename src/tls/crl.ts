import type { X509Certificate } from 'node:crypto';
import { derElements, derInside, TAG, type DerElement } from './der.ts';
import { serialKey, serialKeyOf } from './serial.ts';
import { signatureCheck, type SignatureCheck } from './signature.ts';

/**
 * A CertificateList (RFC 5280 §5.1). In a handshake OpenSSL enforces it; this is for what OpenSSL does not tell: when it
 * expires, whose it is, and whether it lists a certificate that has come in before.
 */
export class RevocationList {
  /** When it expires and new handshakes are refused, milliseconds since 1970; absent if it never does. */
  readonly nextUpdate?: number;
  readonly #toBeSigned: Buffer;
  readonly #signature: Buffer;
  readonly #check: SignatureCheck;
  readonly #serials: ReadonlySet<string>;
  /** What `isSignedBy` found, by the authority's fingerprint: the bytes to hash may be many. */
  readonly #signers = new Map<string, boolean>();

  /** Reads one PEM block; throws `RangeError` on a damaged one, `Error` on a signature that is not trusted here. */
  constructor(pem: string) {
    const [list, ...beyond] = derElements(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));
    const [toBeSigned, algorithm, signature, ...more] = derInside(list);
    if (signature?.tag !== TAG.bitString || more.length + beyond.length > 0) throw notACrl();
    const { nextUpdate, revoked } = readList(toBeSigned);
    if (nextUpdate !== undefined) this.nextUpdate = nextUpdate;
    this.#serials = serialsOf(revoked);
    this.#toBeSigned = toBeSigned!.whole;
    this.#signature = signature.content.subarray(1);
    this.#check = signatureCheck(algorithm);
  }

  isSignedBy(authority: X509Certificate): boolean {
    const { fingerprint256 } = authority;
    const known = this.#signers.get(fingerprint256);
    if (known !== undefined) return known;
    const signed = this.#check(this.#toBeSigned, this.#signature, authority.publicKey);
    this.#signers.set(fingerprint256, signed);
    return signed;
  }

  /** Whether the serial number is on it, which means something only if the certificate's issuer signed the list. */
  lists(certificate: X509Certificate): boolean {
    return this.#serials.has(serialKeyOf(certificate));
  }
}

/** TBSCertList (RFC 5280 §5.1.2): version, signature, issuer, thisUpdate, and four that may be absent. */
function readList(toBeSigned: DerElement | undefined): { nextUpdate?: number; revoked?: DerElement } {
  const fields = derInside(toBeSigned);
  if (fields[0]?.tag === TAG.integer) fields.shift();
  const [algorithm, issuer, thisUpdate, ...rest] = fields;
  if (algorithm?.tag !== TAG.sequence || issuer?.tag !== TAG.sequence || !isTime(thisUpdate)) throw notACrl();
  const nextUpdate = isTime(rest[0]) ? timeOf(rest.shift()!) : undefined;
  const revoked = rest[0]?.tag === TAG.sequence ? rest.shift() : undefined;
  if (rest[0]?.tag === TAG.context0) rest.shift();
  if (rest.length > 0) throw notACrl();
  return { ...(nextUpdate !== undefined && { nextUpdate }), ...(revoked && { revoked }) };
}

/** One by one: a list may have a hundred thousand. */
function serialsOf(revoked: DerElement | undefined): Set<string> {
  const serials = new Set<string>();
  if (revoked === undefined) return serials;
  for (const entry of derElements(revoked.content)) {
    if (entry.tag !== TAG.sequence) throw notACrl();
    serials.add(serialKey(derElements(entry.content).next().value ?? undefined));
  }
  return serials;
}

const isTime = (element: DerElement | undefined): element is DerElement =>
  element?.tag === TAG.utcTime || element?.tag === TAG.generalizedTime;

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

const notACrl = (): RangeError => new RangeError('not a CRL');
