import { X509Certificate } from 'node:crypto';

/** Certificates that are remembered; a fleet's, and some 4 MB of OpenSSL's memory. Whoever was not asked for longest goes first. */
const MAX_REMEMBERED = 256;
/** A longer one is read each time: certificates have 2 KiB, and their holders shall not say how much memory they take. */
const MAX_BYTES = 8192;

/**
 * Certificates that were read from these bytes before, and who has signed them. Both follow from the bytes alone; whether a
 * certificate is in date, revoked or stands under an authority does not, and is never remembered.
 */
export class KnownCertificates {
  /** By all their bytes; the newest is the last. */
  readonly #known = new Map<string, KnownCertificate>();

  /** @throws OpenSSL's error for bytes that are no certificate */
  get(der: Buffer): KnownCertificate {
    if (der.length > MAX_BYTES) return new KnownCertificate(der);
    const key = der.toString('latin1');
    const known = this.#known.get(key) ?? new KnownCertificate(der);
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    return known;
  }

  get size(): number {
    return this.#known.size;
  }
}

export class KnownCertificate {
  readonly x509: X509Certificate;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly #signers = new WeakMap<X509Certificate, boolean>();

  constructor(source: Buffer | X509Certificate) {
    this.x509 = Buffer.isBuffer(source) ? new X509Certificate(source) : source;
    this.notBefore = Date.parse(this.x509.validFrom);
    this.notAfter = Date.parse(this.x509.validTo);
  }

  /** Names the issuer as its own, and carries its signature. */
  isIssuedBy(issuer: X509Certificate): boolean {
    const known = this.#signers.get(issuer);
    if (known !== undefined) return known;
    const isIssued = this.x509.checkIssued(issuer) && this.x509.verify(issuer.publicKey);
    this.#signers.set(issuer, isIssued);
    return isIssued;
  }
}
