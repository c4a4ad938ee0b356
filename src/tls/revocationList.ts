import type { X509Certificate } from 'node:crypto';
import { derElements, derInside, TAG, type DerElement } from './der.ts';
import { serialKey, serialKeyOf } from './serialKey.ts';
import { signatureCheck, type SignatureCheck } from './signature.ts';

/**
 * A CertificateList (RFC 5280 §5.1). In a handshake OpenSSL enforces it; this is for what OpenSSL does not tell: when it
 * expires, whose it is, and whether it lists a certificate that has come in before.
 */
export class RevocationList {
  /** When it was made, milliseconds since 1970. */
  readonly thisUpdate: number;
  /** When it expires and new handshakes are refused, milliseconds since 1970; absent if it never does. */
  readonly nextUpdate?: number;
  /** Grows with each list of an authority (RFC 5280 §5.2.3); absent from the oldest kind of list. */
  readonly number?: bigint;
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
    const { thisUpdate, nextUpdate, number, revoked } = readList(toBeSigned);
    this.thisUpdate = thisUpdate;
    if (number !== undefined) this.number = number;
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

  /** How many certificates are on it. */
  get size(): number {
    return this.#serials.size;
  }

  /** How many of those on another list are not on this one. */
  lacks(other: RevocationList): number {
    let count = 0;
    for (const serial of other.#serials) if (!this.#serials.has(serial)) count++;
    return count;
  }

  /** Whether the serial number is on it, which means something only if the certificate's issuer signed the list. */
  lists(certificate: X509Certificate): boolean {
    return this.#serials.has(serialKeyOf(certificate));
  }
}

interface ListFields {
  readonly thisUpdate: number;
  readonly nextUpdate?: number;
  readonly number?: bigint;
  readonly revoked?: DerElement;
}

/** TBSCertList (RFC 5280 §5.1.2): version, signature, issuer, thisUpdate, and four that may be absent. */
function readList(toBeSigned: DerElement | undefined): ListFields {
  const fields = derInside(toBeSigned);
  if (fields[0]?.tag === TAG.integer) fields.shift();
  const [algorithm, issuer, thisUpdate, ...rest] = fields;
  if (algorithm?.tag !== TAG.sequence || issuer?.tag !== TAG.sequence || !isTime(thisUpdate)) throw notACrl();
  const nextUpdate = isTime(rest[0]) ? timeOf(rest.shift()!) : undefined;
  const revoked = rest[0]?.tag === TAG.sequence ? rest.shift() : undefined;
  const number = rest[0]?.tag === TAG.context0 ? numberIn(rest.shift()!) : undefined;
  if (rest.length > 0) throw notACrl();
  return {
    thisUpdate: timeOf(thisUpdate),
    ...(nextUpdate !== undefined && { nextUpdate }),
    ...(number !== undefined && { number }),
    ...(revoked && { revoked }),
  };
}

/** The CRL number (RFC 5280 §5.2.3) among the extensions: an id, perhaps that it is critical, and the value in octets. */
function numberIn(extensions: DerElement): bigint | undefined {
  for (const extension of derInside(derInside(extensions, TAG.context0)[0])) {
    const [id, ...rest] = derInside(extension);
    if (id?.tag !== TAG.oid || !id.content.equals(CRL_NUMBER)) continue;
    const [value] = derElements(rest.at(-1)?.content ?? Buffer.alloc(0));
    if (value?.tag !== TAG.integer || value.content.length === 0) throw notACrl();
    return BigInt(`0x${value.content.toString('hex')}`);
  }
  return undefined;
}

/** 2.5.29.20 */
const CRL_NUMBER = Buffer.from('551d14', 'hex');

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
