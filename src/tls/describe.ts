import type { X509Certificate } from 'node:crypto';
import { fingerprintOf } from './fingerprint.ts';

/** A certificate for the log: what it calls its holder, which only a signature of ours makes true, quoted and cut. */
export function describeCertificate(certificate: X509Certificate): string {
  const { subject, serialNumber } = certificate;
  const name = JSON.stringify(subject.replaceAll('\n', ', ').slice(0, 100));
  return `certificate of ${name} with serial ${serialNumber}, SHA-256 ${fingerprintOf(certificate)}`;
}
