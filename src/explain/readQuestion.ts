import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { didYouMean } from '../config/didYouMean.ts';
import { quote, ValueError } from '../config/problem.ts';
import { parseName } from '../config/targetPattern.ts';
import { Failure } from '../failures.ts';
import type { InitiatorRule } from '../policy/rules.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import { certificateIdentity } from '../tls/certificateIdentity.ts';
import type { Question } from './explanation.ts';
import { parseRequest } from './parseRequest.ts';

/** A question as a person wrote it, on a command line or in a URL. What is absent is as in `Question`. */
export interface WrittenQuestion {
  /** An entry's name, or an iSCSI name. */
  readonly initiator: string;
  readonly certificate?: X509Certificate | undefined;
  /** An IP address. */
  readonly from?: string | undefined;
  readonly target?: string | undefined;
  readonly lun?: string | undefined;
  /** What `parseRequest` reads. */
  readonly command?: string | undefined;
}

/** @param rules those that are asked about: they have the entry's name. @throws ValueError */
export function readQuestion(rules: readonly InitiatorRule[], written: WrittenQuestion): Question {
  const { initiator, certificate, from, target, lun, command } = written;
  if (lun !== undefined && target === undefined) {
    throw new ValueError('a logical unit is one of a target', 'say the target too');
  }
  if (command !== undefined && lun === undefined) {
    throw new ValueError('a command goes to a logical unit', 'say the lun too');
  }
  return {
    subject: {
      initiatorName: initiatorName(rules, initiator),
      certificate: certificate && identityOf(certificate),
      address: from === undefined ? undefined : parseAddress(from),
    },
    target: target === undefined ? undefined : parseName(target),
    lun: lun === undefined ? undefined : parseLun(lun),
    request: command === undefined ? undefined : parseRequest(command),
  };
}

function initiatorName(rules: readonly InitiatorRule[], text: string): string {
  const entry = rules.find(({ id }) => id === text);
  if (entry !== undefined) return entry.iqn;
  if (/^(?:iqn|eui|naa)\./i.test(text)) return parseName(text);
  const names = rules.map(({ id }) => id);
  const meant = didYouMean(text, names);
  throw new ValueError(
    `there is no entry ${quote(text)} under initiators`,
    meant === undefined ? `there are: ${names.join(', ')}` : `did you mean ${meant}?`,
  );
}

function identityOf(certificate: X509Certificate): CertificateIdentity {
  try {
    return certificateIdentity(certificate);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new ValueError(error.message, `TLS refuses it (${error.reason}): ask with one that can be read`);
  }
}

function parseAddress(text: string): string {
  if (isIP(text) !== 0 && !text.includes('%')) return text;
  throw new ValueError(
    `${quote(text)} is not an IP address`,
    'write the one that the tunnel comes from, without port, range and zone',
  );
}

function parseLun(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 16384) return Number(text);
  throw new ValueError(`${quote(text)} is not a logical unit`, 'write a whole number from 0 to 16383');
}
