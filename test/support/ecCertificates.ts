import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { bitString, encode, oid, sequence } from '../../src/pki/asn1.ts';
import { signCertificate, validFor } from '../../src/pki/certificate.ts';
import type { PemPair } from './certificates.ts';

/** An EC authority and a client certificate of it, which forge cannot make: its RSA key is exchanged in the DER. */
export function ecPki(): { ca: string; client: PemPair } {
  const name = [{ name: 'commonName', value: 'EC CA' }];
  const authority = ecKey('P-256');
  const ca = ecCertificate(authority.publicKeyPem, authority.keyPem, {
    subject: name,
    issuer: name,
    extensions: [{ name: 'basicConstraints', critical: true, cA: true }],
  });
  const leaf = ecKey('P-384');
  const cert = ecCertificate(leaf.publicKeyPem, authority.keyPem, {
    subject: [{ name: 'commonName', value: 'ec1' }],
    issuer: name,
    extensions: [{ name: 'extKeyUsage', clientAuth: true }],
  });
  return { ca, client: { cert, key: leaf.keyPem } };
}

const placeholder = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

function ecKey(namedCurve: string): { publicKeyPem: string; keyPem: string } {
  const pair = generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKeyPem: pair.publicKey, keyPem: pair.privateKey };
}

function ecCertificate(
  publicKeyPem: string,
  issuerKeyPem: string,
  contents: Pick<Parameters<typeof signCertificate>[0], 'subject' | 'issuer' | 'extensions'>,
): string {
  const validity = validFor(30, new Date());
  const rsa = new X509Certificate(
    signCertificate({ ...contents, validity, publicKeyPem: placeholder.publicKey }, placeholder.privateKey),
  );
  const [toBeSigned] = parts(forge.asn1.fromDer(rsa.raw.toString('binary')));
  const fields = parts(toBeSigned!);
  const algorithm = sequence([oid('1.2.840.10045.4.3.2')]); // ecdsa-with-SHA256
  const spki = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  fields[SIGNATURE_FIELD] = algorithm;
  fields[PUBLIC_KEY_FIELD] = forge.asn1.fromDer(spki.toString('binary'));
  const signature = sign('sha256', encode(sequence(fields)), createPrivateKey(issuerKeyPem));
  return new X509Certificate(
    encode(sequence([sequence(fields), algorithm, bitString(signature)])),
  ).toString();
}

/** Places in TBSCertificate (RFC 5280 §4.1). */
const SIGNATURE_FIELD = 2;
const PUBLIC_KEY_FIELD = 6;

const parts = (node: forge.asn1.Asn1): forge.asn1.Asn1[] => node.value as forge.asn1.Asn1[];
