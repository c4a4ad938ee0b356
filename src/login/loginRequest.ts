import { Failure } from '../failures.ts';
import { ahsLengthAt, opcodeAt } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import type { Pdu } from '../iscsi/pdu.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';

/** Stages of a login (RFC 7143 §6.1); 2 does not exist. */
export const Stage = { security: 0, operational: 1, fullFeature: 3 } as const;

export type LoginRequestFields = PduFields<'loginRequest'>;

/**
 * Checks what every Login Request must keep to, whatever stands in its text (RFC 7143 §11.12), against the first one of
 * this login and the stage that the login is in.
 *
 * @param first the login's first request, undefined for that request itself
 * @throws Failure or ProtocolError; the login ends
 */
export function readLoginRequest(
  pdu: Pdu,
  first: LoginRequestFields | undefined,
  stage: number | undefined,
): LoginRequestFields {
  const opcode = opcodeAt(pdu.bhs, 0);
  if (opcode !== Opcode.loginRequest) {
    throw first === undefined
      ? new Failure('not_iscsi', `the first PDU is ${describeOpcode(opcode)}, not a Login Request`)
      : new Failure('invalid_during_login', `${describeOpcode(opcode)} came during login`);
  }
  if (ahsLengthAt(pdu.bhs, 0) > 0)
    throw new ProtocolError('header_too_long', 'a Login Request has no additional headers');
  const request = decodeBhs('loginRequest', pdu.bhs);
  checkFlags(request, stage);
  if (first === undefined) checkOpening(request);
  else checkConstant(request, first);
  return request;
}

function checkFlags(request: LoginRequestFields, stage: number | undefined): void {
  const { currentStage, nextStage, transit, continues } = request;
  if (transit && continues) throw new ProtocolError('bad_flags', 'a Login Request has both T and C set');
  if (currentStage !== Stage.security && currentStage !== Stage.operational) {
    throw new ProtocolError('bad_flags', `a Login Request in stage ${currentStage}`);
  }
  if (stage !== undefined && currentStage !== stage) {
    throw new ProtocolError(
      'bad_flags',
      `a Login Request in stage ${currentStage}, the login is in ${stage}`,
    );
  }
  if (transit && (nextStage <= currentStage || nextStage === 2)) {
    throw new ProtocolError('bad_flags', `a transit from stage ${currentStage} to ${nextStage}`);
  }
}

function checkOpening(request: LoginRequestFields): void {
  if (request.versionMin > 0) {
    throw new Failure(
      'unsupported_version',
      `the initiator wants version ${request.versionMin}, only 0 exists`,
    );
  }
  if (request.tsih !== 0) {
    throw new Failure(
      'session_does_not_exist',
      `a login into session ${request.tsih}: sessions have one connection`,
    );
  }
}

function checkConstant(request: LoginRequestFields, first: LoginRequestFields): void {
  const isConstant =
    request.isid.equals(first.isid) &&
    request.tsih === first.tsih &&
    request.cid === first.cid &&
    request.initiatorTaskTag === first.initiatorTaskTag &&
    request.versionMin === first.versionMin &&
    request.versionMax === first.versionMax;
  if (!isConstant) {
    throw new ProtocolError('bad_sequence', 'ISID, TSIH, CID, task tag or version changed during login');
  }
}
