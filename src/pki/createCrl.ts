import forge from 'node-forge';
import { integer, octetString, oid, sequence, tagged0, time, type Asn1 } from './asn1.ts';
import { signerOf } from './authority.ts';
import { validFor, type CertificateAndKey } from './certificate.ts';
import { PkiError } from './pkiError.ts';
import { signatureAlgorithm, signToPem } from './signing.ts';

export interface RevokedCertificate {
  /** Hex, as `X509Certificate.serialNumber` shows it. */
  readonly serial: string;
  readonly revokedAt: Date;
  /** Extensions of the entry (RFC 5280 §5.3), such as a reason, as they were read. */
  readonly extensions?: Asn1;
}

export interface CrlOptions {
  readonly authority: CertificateAndKey;
  readonly revoked: readonly RevokedCertificate[];
  /** Grows with each CRL of an authority (RFC 5280 §5.2.3). */
  readonly number: number;
  /** After this many days every peer is refused until there is a newer CRL. */
  readonly nextUpdateDays: number;
  readonly now?: Date;
}

/** An X.509 v2 CRL (RFC 5280 §5.1) signed by the authority; PEM. */
export function createCrl(options: CrlOptions): string {
  const signer = signerOf(options.authority);
  const { notBefore, notAfter } = validFor(options.nextUpdateDays, options.now ?? new Date());
  if (!Number.isSafeInteger(options.number) || options.number < 0) {
    throw new PkiError(`${options.number} is no CRL number: it is a whole number that grows from CRL to CRL`);
  }
  const entries = options.revoked.map(({ serial, revokedAt, extensions }) =>
    sequence([serialNumber(serial), time(revokedAt), ...(extensions ? [extensions] : [])]),
  );
  const toBeSigned = sequence([
    integer('1'), // v2
    signatureAlgorithm(),
    forge.pki.distinguishedNameToAsn1({ attributes: signer.name }),
    time(notBefore),
    time(notAfter),
    // RFC 5280 §5.1.2.6: with nothing revoked the list is absent, not empty
    ...(entries.length > 0 ? [sequence(entries)] : []),
    tagged0([
      sequence([
        extension(AUTHORITY_KEY_IDENTIFIER, sequence([tagged0(signer.keyIdentifier)])),
        extension(CRL_NUMBER, integer(options.number.toString(16))),
      ]),
    ]),
  ]);
  return signToPem('X509 CRL', toBeSigned, signer.keyPem);
}

const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35';
export const CRL_NUMBER = '2.5.29.20';

const extension = (id: string, value: Asn1): Asn1 => sequence([oid(id), octetString(value)]);

function serialNumber(hex: string): Asn1 {
  if (!/^[0-9a-f]{1,40}$/i.test(hex)) {
    throw new PkiError(`${JSON.stringify(hex)} is no serial number: give up to 40 hex digits without colons`);
  }
  return integer(hex);
}
