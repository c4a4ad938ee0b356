import { X509Certificate } from 'node:crypto';
import { didYouMean } from '../config/didYouMean.ts';
import { quote, ValueError } from '../config/problem.ts';
import type { WrittenQuestion } from '../explain/readQuestion.ts';

const NAMES = ['initiator', 'certificate', 'from', 'target', 'lun', 'command'] as const;
type Name = (typeof NAMES)[number];

/** As base64url it leaves room for the rest of a request in the listener's 8 KiB; DER, bytes. */
const MAX_CERTIFICATE = 4096;

/** The query of `/explain` that asks this; the certificate is DER in base64url. @throws ValueError */
export function formatExplainQuery({ certificate, ...texts }: WrittenQuestion): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(texts)) if (value !== undefined) query.set(name, value);
  if (certificate !== undefined) {
    checkLength(certificate.raw.length);
    query.set('certificate', certificate.raw.toString('base64url'));
  }
  return query.toString();
}

/** Reads it again: what is unknown or said twice could be a question that was meant otherwise. @throws ValueError */
export function parseExplainQuery(query: string): WrittenQuestion {
  const values = new Map<Name, string>();
  for (const [written, value] of new URLSearchParams(query)) {
    const name = nameOf(written);
    if (values.has(name)) throw new ValueError(`${name} is said twice`, 'say it once');
    values.set(name, value);
  }
  const { initiator, certificate, ...texts } = Object.fromEntries(values) as Partial<Record<Name, string>>;
  if (initiator === undefined) {
    throw new ValueError('no initiator is asked about', 'say one: /explain?initiator=db1');
  }
  return { initiator, ...texts, ...(certificate !== undefined && { certificate: fromBase64(certificate) }) };
}

function nameOf(text: string): Name {
  const name = NAMES.find((name) => name === text);
  if (name !== undefined) return name;
  const meant = didYouMean(text, NAMES);
  throw new ValueError(
    `${quote(text)} cannot be asked about`,
    meant === undefined ? `there are: ${NAMES.join(', ')}` : `did you mean ${meant}?`,
  );
}

function fromBase64(text: string): X509Certificate {
  const der = Buffer.from(text, 'base64url');
  checkLength(der.length);
  try {
    const certificate = new X509Certificate(der);
    // It takes PEM as well, and does not look at what comes behind.
    if (certificate.raw.toString('base64url') === text) return certificate;
  } catch {
    // Told below.
  }
  throw new ValueError('this certificate cannot be read', 'send it whole: DER in base64url, without padding');
}

function checkLength(bytes: number): void {
  if (bytes <= MAX_CERTIFICATE) return;
  throw new ValueError(
    `the certificate has more than ${MAX_CERTIFICATE} bytes, the most that a running gateway is asked about`,
    'ask without it, or ask the configuration',
  );
}
