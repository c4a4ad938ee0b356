import { Failure } from '../failures.ts';
import { parseIscsiName } from '../iscsi/names.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { TextKeys } from '../iscsi/text.ts';

export type SessionType = 'Normal' | 'Discovery';

/** What the first login message says of its sender. Names are normalised; as they were sent they go on to the array. */
export interface LoginIdentity {
  readonly initiatorName: string;
  readonly initiatorNameAsSent: string;
  readonly sessionType: SessionType;
  /** Always there in a Normal session. */
  readonly targetName?: string;
  readonly targetNameAsSent?: string;
}

const IDENTITY_KEYS = ['InitiatorName', 'TargetName', 'SessionType'] as const;

/**
 * Reads the identity out of a login's first message (RFC 7143 §6.3.1, §13).
 *
 * @throws Failure `missing_parameter` or `session_type`; ProtocolError `bad_name`
 */
export function readIdentity(keys: TextKeys): LoginIdentity {
  const initiatorNameAsSent = keys.get('InitiatorName');
  if (initiatorNameAsSent === undefined) {
    throw new Failure('missing_parameter', 'InitiatorName is missing from the first Login Request');
  }
  const initiatorName = parseIscsiName(initiatorNameAsSent);
  const sessionType = keys.get('SessionType') ?? 'Normal';
  if (sessionType !== 'Normal' && sessionType !== 'Discovery') {
    throw new Failure('session_type', 'SessionType is neither Normal nor Discovery');
  }
  const targetNameAsSent = keys.get('TargetName');
  if (targetNameAsSent === undefined) {
    if (sessionType === 'Discovery') return { initiatorName, initiatorNameAsSent, sessionType };
    throw new Failure(
      'missing_parameter',
      'TargetName is missing from the first Login Request of a Normal session',
    );
  }
  const targetName = parseIscsiName(targetNameAsSent);
  return { initiatorName, initiatorNameAsSent, sessionType, targetName, targetNameAsSent };
}

/**
 * Takes the identity keys out of a later message: some initiators repeat them, none may change them.
 *
 * @throws ProtocolError `bad_sequence`
 */
export function withoutIdentity(keys: TextKeys, identity: LoginIdentity): TextKeys {
  const rest = new Map(keys);
  const said = {
    InitiatorName: identity.initiatorName,
    TargetName: identity.targetName,
    SessionType: identity.sessionType.toLowerCase(),
  };
  for (const key of IDENTITY_KEYS) {
    const value = rest.get(key);
    if (value === undefined) continue;
    if (value.toLowerCase() !== said[key])
      throw new ProtocolError('bad_sequence', `${key} changed during login`);
    rest.delete(key);
  }
  return rest;
}
