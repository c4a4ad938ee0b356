import { createHash } from 'node:crypto';
import { Failure } from '../../src/failures.ts';
import { decodeBhs, type PduFields } from '../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, parseWirePdu, type Pdu } from '../../src/iscsi/pdu.ts';
import { encodeText, parseKeys, parsePairs, type TextKeys, type TextPair } from '../../src/iscsi/text.ts';
import { Challenges } from '../../src/login/challenges.ts';
import { CHAP_ALGORITHMS, type ChapRequirement } from '../../src/policy/chapRequirement.ts';
import { Secret } from '../../src/policy/secret.ts';

export const ISID = Buffer.from('00023d000001', 'hex');
export const TASK_TAG = 0x10203040;

/** Keys by name, or a text data segment as it stands. */
export type Text = Readonly<Record<string, string>> | Buffer;

const textOf = (text: Text): Buffer => (Buffer.isBuffer(text) ? text : encodeText(Object.entries(text)));

/** A PDU as it comes off the wire. */
export function pdu(wire: Buffer): Pdu {
  return parseWirePdu(wire, NO_DIGESTS);
}

export function loginRequest(fields: Partial<PduFields<'loginRequest'>>, text: Text = {}): Pdu {
  const constant = { immediate: true, isid: ISID, initiatorTaskTag: TASK_TAG, cid: 1, cmdSN: 7 };
  return pdu(encodePdu('loginRequest', { ...constant, ...fields }, textOf(text)));
}

export function loginResponse(fields: Partial<PduFields<'loginResponse'>>, text: Text = {}): Pdu {
  const constant = { isid: ISID, initiatorTaskTag: TASK_TAG, statSN: 100 };
  return pdu(encodePdu('loginResponse', { ...constant, ...fields }, textOf(text)));
}

/** Header fields and text of a Login Response. */
export interface LoginResponse extends PduFields<'loginResponse'> {
  readonly keys: TextKeys;
}

export function readLoginResponse({ bhs, data }: Pdu): LoginResponse {
  return { ...decodeBhs('loginResponse', bhs), keys: parseKeys(data) };
}

export function readResponse(wire: Buffer): LoginResponse {
  return readLoginResponse(pdu(wire));
}

export function readRequest(wire: Buffer): PduFields<'loginRequest'> & { keys: TextKeys; pairs: TextPair[] } {
  const { bhs, data } = pdu(wire);
  return { ...decodeBhs('loginRequest', bhs), keys: parseKeys(data), pairs: parsePairs(data) };
}

/** Challenges from a repeatable source: every draw gives other bytes, for each source others. */
export function repeatableChallenges(source = 'ours'): Challenges {
  let draws = 0;
  return new Challenges((length) =>
    createHash('shake256', { outputLength: length }).update(`${source} ${draws++}`).digest(),
  );
}

export const secretOf = (text: string): Secret => new Secret(Buffer.from(text));

/** CHAP as user `db1`, one way, all digests; parts replaced. */
export function chapRequirement(parts: Partial<ChapRequirement> = {}): ChapRequirement {
  return { user: 'db1', secret: secretOf('initiator-secret'), algorithms: CHAP_ALGORITHMS, ...parts };
}

export const MUTUAL = { user: 'gateway', secret: secretOf('the-targets-secret') };

/** The failure that ends a login, as the mapping sees it. */
export function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (error) {
    return Failure.from(error);
  }
  throw new Error('nothing failed');
}
