/** What a verified TLS client certificate says about its holder. Only a verified chain makes one (src/tls). */
export interface CertificateIdentity {
  /** Subject's CommonName, if there is exactly one. */
  readonly cn?: string;
  /** subjectAltName entries of type dNSName, lower case. */
  readonly dns: readonly string[];
  /** subjectAltName entries of type uniformResourceIdentifier, as they stand. */
  readonly uri: readonly string[];
  /** SHA-256 fingerprint of the DER certificate: 64 lower-case hex digits without colons. */
  readonly sha256: string;
  /** Serial number, upper-case hex, as a CRL lists it. */
  readonly serial: string;
  /** End of validity, milliseconds since 1970. */
  readonly notAfter: number;
}

/** Who is asking: all of it must agree with one rule. */
export interface Subject {
  readonly certificate: CertificateIdentity;
  /** The tunnel's remote IP address, without port and zone. */
  readonly address: string;
  /** Normalised InitiatorName. */
  readonly initiatorName: string;
}
