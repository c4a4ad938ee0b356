import type { X509Certificate } from 'node:crypto';

/** A certificate for the log: what it calls its holder, which only a signature of ours makes true, quoted and cut. */
export function describeCertificate({ subject, serialNumber, fingerprint256 }: X509Certificate): string {
  const name = JSON.stringify(subject.replaceAll('\n', ', ').slice(0, 100));
  return `certificate of ${name} with serial ${serialNumber}, SHA-256 ${fingerprint256}`;
}
