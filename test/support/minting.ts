import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import forge from 'node-forge';
import {
  bitString,
  encode,
  integer,
  nul,
  octetString,
  oid,
  sequence,
  tagged0,
  time,
  type Asn1,
} from '../../src/pki/asn1.ts';
import { daysAgo, type PemPair } from './certificates.ts';

export type KeyKind = 'rsa' | 'rsa-pss' | 'ec' | 'ed25519';

/** Certificate and key with what is needed to sign in its name. */
export interface Minted extends PemPair {
  readonly name: string;
  readonly kind: KeyKind;
}

export interface Contents {
  readonly kind: KeyKind;
  /** Absent: it signs itself. */
  readonly issuer?: Minted;
  readonly ca?: boolean;
  /** Another certificate for the same key. */
  readonly key?: string;
  /** Hex digits; random unless told. */
  readonly serial?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** A certificate of any kind, among them those that `sangate pki` does not make; a leaf is for clients and for servers. */
export function mint(name: string, contents: Contents): Minted {
  const { kind, ca = false, serial = `01${randomBytes(8).toString('hex')}` } = contents;
  const key = contents.key ?? newKey(kind);
  const { issuer = { name, kind, key } } = contents;
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const toBeSigned = sequence([
    tagged0([integer('2')]),
    integer(serial),
    algorithm(issuer.kind),
    distinguishedName(issuer.name),
    sequence([time(contents.notBefore ?? daysAgo(1)), time(contents.notAfter ?? daysAgo(-30))]),
    distinguishedName(name),
    forge.asn1.fromDer(spki.toString('binary')),
    tagged(3, [
      sequence([
        ca
          ? extension('2.5.29.19', sequence([boolean(true)])) // basicConstraints
          : extension('2.5.29.37', sequence([oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2')])), // extKeyUsage
      ]),
    ]),
  ]);
  return { name, kind, key, cert: signed('CERTIFICATE', toBeSigned, issuer) };
}

/** A CRL that lists these serial numbers, hex; valid for `days` from `now`. */
export function mintCrl(
  issuer: Minted,
  serials: readonly string[],
  { now = new Date(), days = 30 }: { now?: Date; days?: number } = {},
): string {
  const entries = serials.map((serial) => sequence([integer(serial), time(now)]));
  const toBeSigned = sequence([
    integer('1'),
    algorithm(issuer.kind),
    distinguishedName(issuer.name),
    time(now),
    time(new Date(now.getTime() + days * 86_400_000)),
    ...(entries.length > 0 ? [sequence(entries)] : []),
  ]);
  return signed('X509 CRL', toBeSigned, issuer);
}

export function newKey(kind: KeyKind): string {
  const { privateKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : kind === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

type Signer = Pick<Minted, 'name' | 'kind' | 'key'>;

function signed(label: string, toBeSigned: Asn1, { kind, key }: Signer): string {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const signature = sign(kind === 'ed25519' ? null : 'sha256', encode(toBeSigned), {
    key: createPrivateKey(key),
    ...(kind === 'rsa-pss' && pss),
  });
  const der = encode(sequence([toBeSigned, algorithm(kind), bitString(signature)]));
  return forge.pem.encode({ type: label, body: der.toString('binary') }).replaceAll('\r\n', '\n');
}

function algorithm(kind: KeyKind): Asn1 {
  const sha256 = sequence([oid('2.16.840.1.101.3.4.2.1'), nul()]);
  switch (kind) {
    case 'rsa':
      return sequence([oid('1.2.840.113549.1.1.11'), nul()]);
    case 'rsa-pss': {
      const mgf1 = sequence([oid('1.2.840.113549.1.1.8'), sha256]);
      const parameters = [tagged0([sha256]), tagged(1, [mgf1]), tagged(2, [integer('20')])];
      return sequence([oid('1.2.840.113549.1.1.10'), sequence(parameters)]);
    }
    case 'ec':
      return sequence([oid('1.2.840.10045.4.3.2')]);
    case 'ed25519':
      return sequence([oid('1.3.101.112')]);
  }
}

const { create, Class, Type } = forge.asn1;

const tagged = (number: number, parts: Asn1[]): Asn1 => create(Class.CONTEXT_SPECIFIC, number, true, parts);

const boolean = (value: boolean): Asn1 => create(Class.UNIVERSAL, Type.BOOLEAN, false, value ? '\xff' : '\0');

const extension = (id: string, value: Asn1): Asn1 => sequence([oid(id), octetString(value)]);

function distinguishedName(commonName: string): Asn1 {
  const value = create(Class.UNIVERSAL, Type.UTF8, false, commonName);
  return sequence([create(Class.UNIVERSAL, Type.SET, true, [sequence([oid('2.5.4.3'), value])])]);
}
