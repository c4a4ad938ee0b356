import { constants, verify, type KeyObject } from 'node:crypto';
import { derInside, TAG, type DerElement } from './der.ts';

/** True if the holder of the key signed the bytes. */
export type SignatureCheck = (data: Buffer, signature: Buffer, key: KeyObject) => boolean;

/** Reads an AlgorithmIdentifier (RFC 5280 §4.1.1.2); throws on an algorithm that is not trusted here. */
export function signatureCheck(algorithm: DerElement | undefined): SignatureCheck {
  const [id, parameters] = derInside(algorithm);
  const name = oidOf(id);
  if (name === RSASSA_PSS) return pssCheck(parameters);
  const known = ALGORITHMS.get(name);
  if (known === undefined) throw untrusted();
  const [keyType, digest] = known;
  return (data, signature, key) => key.asymmetricKeyType === keyType && verify(digest, data, key, signature);
}

type KeyType = 'rsa' | 'ec' | 'ed25519' | 'ed448';

/** By the content of the OID, hex (RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3). */
const ALGORITHMS = new Map<string, readonly [KeyType, string | null]>([
  ['2a864886f70d01010b', ['rsa', 'sha256']],
  ['2a864886f70d01010c', ['rsa', 'sha384']],
  ['2a864886f70d01010d', ['rsa', 'sha512']],
  ['2a8648ce3d040302', ['ec', 'sha256']],
  ['2a8648ce3d040303', ['ec', 'sha384']],
  ['2a8648ce3d040304', ['ec', 'sha512']],
  ['2b6570', ['ed25519', null]],
  ['2b6571', ['ed448', null]],
]);

const RSASSA_PSS = '2a864886f70d01010a';

const DIGESTS = new Map([
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);

/** RSASSA-PSS-params (RFC 4055 §3.1): the hash is SHA-1 where they are silent, and one hash serves twice, in MGF1 too. */
function pssCheck(parameters: DerElement | undefined): SignatureCheck {
  const [hash, mask] = derInside(parameters);
  const digest = DIGESTS.get(oidOf(derInside(inner(hash, TAG.context0))[0]));
  const [, maskHash] = derInside(inner(mask, TAG.context0 + 1));
  if (digest === undefined || DIGESTS.get(oidOf(derInside(maskHash)[0])) !== digest) throw untrusted();
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_AUTO: saltLength } = constants;
  return (data, signature, key) =>
    key.asymmetricKeyType?.startsWith('rsa') === true &&
    verify(digest, data, { key, padding, saltLength }, signature);
}

const inner = (element: DerElement | undefined, tag: number): DerElement | undefined =>
  derInside(element, tag)[0];

function oidOf(element: DerElement | undefined): string {
  if (element?.tag !== TAG.oid) throw new RangeError('no algorithm');
  return element.content.toString('hex');
}

const untrusted = (): Error =>
  new Error('is signed in a way that is not trusted here: have it signed with SHA-256 or better, or EdDSA');
