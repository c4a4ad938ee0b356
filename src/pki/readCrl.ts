import { verify, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { decode, encode, type Asn1 } from './asn1.ts';
import { CRL_NUMBER, type RevokedCertificate } from './createCrl.ts';
import { PkiError } from './pkiError.ts';
import { normalSerial } from './serial.ts';

export interface Crl {
  /** 0 if it has none, as a list has that openssl made without a `crlnumber`. */
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  readonly revoked: readonly RevokedCertificate[];
}

/**
 * Reads a CRL that `createCrl`, openssl or another tool made (RFC 5280 §5.1), and believes it only if the
 * authority (its certificate, PEM) signed it. Refuses what could not be written again without a loss: lists
 * with a critical extension, as partial and indirect ones have. Throws `PkiError`, which does not name the file.
 */
export function readCrl(pem: string, authorityPem: string): Crl {
  const [toBeSigned, algorithm, signature, ...more] = parts(decodePem(pem));
  if (!toBeSigned || !algorithm || more.length > 0) throw damaged('not in three parts');
  const digest = DIGESTS.get(algorithmOf(algorithm));
  if (digest === undefined) throw new PkiError('is signed in a way that is not read here: RSA with SHA-2 is');
  const { publicKey } = new X509Certificate(authorityPem);
  if (!verify(digest, encode(toBeSigned), publicKey, readBits(signature))) {
    throw new PkiError(
      'is not signed by this authority, or was changed: bring back the list that the gateway has',
    );
  }
  return readList(toBeSigned, algorithm);
}

/** sha256WithRSAEncryption and its like (RFC 4055 §5). */
const DIGESTS = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
]);

const { Class, Type } = forge.asn1;

function decodePem(pem: string): Asn1 {
  const blocks = [...pem.matchAll(/-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/g)];
  if (blocks.length !== 1) {
    throw new PkiError(`holds ${blocks.length} revocation lists in PEM form: here it must be one`);
  }
  try {
    return decode(Buffer.from(blocks[0]![1]!, 'base64'));
  } catch (cause) {
    throw damaged((cause as Error).message, cause);
  }
}

/** TBSCertList (RFC 5280 §5.1.2); the version is absent in a list of version 1. */
function readList(toBeSigned: Asn1, algorithm: Asn1): Crl {
  const fields = parts(toBeSigned);
  if (is(fields[0], Type.INTEGER)) fields.shift();
  const [inner, _issuer] = fields.splice(0, 2);
  // RFC 5280 §5.1.1.2: the algorithm outside, which is not signed, is the one inside
  if (!inner || !encode(inner).equals(encode(algorithm))) throw damaged('two signature algorithms');
  const thisUpdate = readTime(fields.shift());
  const nextUpdate = isTime(fields[0]) ? readTime(fields.shift()) : undefined;
  const entries = is(fields[0], Type.SEQUENCE) ? parts(fields.shift()) : [];
  const wrapped = fields.shift();
  if (fields.length > 0 || (wrapped && wrapped.tagClass !== Class.CONTEXT_SPECIFIC)) {
    throw damaged('fields that do not belong there');
  }
  const extensions = wrapped ? readExtensions(elements(wrapped)[0]) : new Map<string, string>();
  const number = extensions.get(CRL_NUMBER);
  return {
    number: number === undefined ? 0 : readNumber(number),
    thisUpdate,
    ...(nextUpdate && { nextUpdate }),
    revoked: entries.map(readEntry),
  };
}

function readEntry(entry: Asn1): RevokedCertificate {
  const [serial, revokedAt, extensions] = parts(entry);
  readExtensions(extensions ?? forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, []));
  return {
    serial: normalSerial(readInteger(serial)),
    revokedAt: readTime(revokedAt),
    ...(extensions && { extensions }),
  };
}

/** The DER inside each extension by its OID, as bytes; a critical one is refused (RFC 5280 §5.2). */
function readExtensions(extensions: Asn1 | undefined): Map<string, string> {
  return new Map(
    parts(extensions).map((extension) => {
      const [id, ...rest] = parts(extension);
      const dotted = readOid(id);
      if (is(rest[0], Type.BOOLEAN) && rest.shift()!.value !== '\0') {
        throw new PkiError(`has the critical extension ${dotted}, as partial and indirect lists have`);
      }
      if (typeof rest[0]?.value !== 'string') throw damaged(`extension ${dotted}`);
      return [dotted, rest[0].value];
    }),
  );
}

function readNumber(der: string): number {
  let integer;
  try {
    integer = decode(Buffer.from(der, 'binary'));
  } catch (cause) {
    throw damaged('CRL number', cause);
  }
  const number = Number.parseInt(readInteger(integer), 16);
  if (Number.isSafeInteger(number)) return number;
  throw new PkiError(`has the number ${number}, which is beyond what is counted here`);
}

/** A non-negative INTEGER as hex (RFC 5280 §4.1.2.2, §5.2.3: neither serial nor CRL number is negative). */
function readInteger(element: Asn1 | undefined): string {
  const bytes = is(element, Type.INTEGER) && typeof element.value === 'string' ? element.value : '';
  if (bytes === '' || bytes.charCodeAt(0) >= 0x80) throw damaged('an integer that is none, or negative');
  return forge.util.bytesToHex(bytes);
}

/** A BIT STRING of whole bytes, which begins with the count of its unused bits. */
function readBits(element: Asn1 | undefined): Buffer {
  const bytes = is(element, Type.BITSTRING) && typeof element.value === 'string' ? element.value : '';
  if (!bytes.startsWith('\0')) throw damaged('no signature');
  return Buffer.from(bytes.slice(1), 'binary');
}

/** RFC 5280 §5.1.2.4: with seconds and in UTC. */
function readTime(element: Asn1 | undefined): Date {
  const text = isTime(element) ? element.value : undefined;
  if (typeof text !== 'string' || !/^(\d\d)?\d{12}Z$/.test(text)) throw damaged('a time that is none');
  const date = text.length === 13 ? forge.asn1.utcTimeToDate(text) : forge.asn1.generalizedTimeToDate(text);
  if (Number.isNaN(date.getTime())) throw damaged('a time that is none');
  return date;
}

const algorithmOf = (algorithm: Asn1): string => readOid(parts(algorithm)[0]);

function readOid(element: Asn1 | undefined): string {
  if (!is(element, Type.OID) || typeof element.value !== 'string' || element.value === '') {
    throw damaged('an object identifier that is none');
  }
  return forge.asn1.derToOid(element.value);
}

function is(element: Asn1 | undefined, type: forge.asn1.Type): element is Asn1 {
  return element?.tagClass === Class.UNIVERSAL && element.type === type;
}

const isTime = (element: Asn1 | undefined): element is Asn1 =>
  is(element, Type.UTCTIME) || is(element, Type.GENERALIZEDTIME);

/** The elements of a SEQUENCE, in an array of its own. */
function parts(element: Asn1 | undefined): Asn1[] {
  if (!is(element, Type.SEQUENCE)) throw damaged('no sequence where one must be');
  return elements(element);
}

function elements({ value }: Asn1): Asn1[] {
  if (typeof value === 'string') throw damaged('bytes where elements must be');
  return [...value];
}

function damaged(what: string, cause?: unknown): PkiError {
  return new PkiError(`is no revocation list, or damaged (${what})`, { cause });
}
