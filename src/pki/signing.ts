import { createPrivateKey, sign } from 'node:crypto';
import forge from 'node-forge';
import { bitString, encode, nul, oid, sequence, type Asn1 } from './asn1.ts';

/** sha256WithRSAEncryption (RFC 8017 A.2.4). */
export const SIGNATURE_OID = '1.2.840.113549.1.1.11';

/** AlgorithmIdentifier of every signature that this folder makes (RFC 4055 §5: the parameters are NULL). */
export const signatureAlgorithm = (): Asn1 => sequence([oid(SIGNATURE_OID), nul()]);

/**
 * Signs a TBSCertificate or TBSCertList and wraps it as RFC 5280 §4.1 and §5.1 say; PEM. The signature is
 * OpenSSL's: forge computes RSA in JavaScript, where time depends on the key.
 */
export function signToPem(label: 'CERTIFICATE' | 'X509 CRL', toBeSigned: Asn1, keyPem: string): string {
  const signature = sign('sha256', encode(toBeSigned), createPrivateKey(keyPem));
  const der = encode(sequence([toBeSigned, signatureAlgorithm(), bitString(signature)]));
  return forge.pem.encode({ type: label, body: der.toString('binary') }).replaceAll('\r\n', '\n');
}
