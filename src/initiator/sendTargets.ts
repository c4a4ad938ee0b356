import type { MalformedRecords } from '../discovery/malformedRecords.ts';
import { parseTargetRecords, type TargetRecord } from '../discovery/sendTargets.ts';
import { Failure } from '../failures.ts';
import { opcodeAt, RESERVED_TAG } from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import { describeOpcode, Opcode } from '../iscsi/opcode.ts';
import { encodePdu } from '../iscsi/pdu.ts';
import { serialAdd } from '../iscsi/serialArithmetic.ts';
import { encodeText, TextAssembler } from '../iscsi/text.ts';
import type { InitiatorLogin } from '../login/initiatorLogin.ts';
import type { PduConnection } from '../transport/pduConnection.ts';
import { negotiateToFullFeature } from './logIn.ts';

/** An array with a thousand targets answers with some 200 KiB. */
const MAX_ANSWER_LENGTH = 1024 * 1024;
const MAX_PIECES = 1024;
const TASK_TAG = 1;

/** Limits for a PduConnection in a discovery session; what `askForTargets` declares at login. */
export const DISCOVERY_LIMITS = { maxAhsLength: 0, maxDataSegmentLength: 65536 } as const;

/**
 * Negotiates a discovery session that has passed security, asks for all targets and logs out.
 *
 * @param cmdSN number of the session's first command
 * @param malformed hears of records that were left out
 */
export async function askForTargets(
  connection: PduConnection,
  login: InitiatorLogin,
  cmdSN: number,
  malformed: MalformedRecords,
): Promise<TargetRecord[]> {
  const offers = [['MaxRecvDataSegmentLength', String(DISCOVERY_LIMITS.maxDataSegmentLength)]] as const;
  await negotiateToFullFeature(connection, login, offers, new Map());
  const answer = new TextAssembler({ maxLength: MAX_ANSWER_LENGTH, maxPieces: MAX_PIECES });
  let number = cmdSN;
  let expStatSN = login.expStatSN;
  let targetTransferTag = RESERVED_TAG;
  let ask = encodeText([['SendTargets', 'All']]);
  for (;;) {
    const request = { final: true, initiatorTaskTag: TASK_TAG, targetTransferTag, cmdSN: number, expStatSN };
    await connection.write(encodePdu('textRequest', request, ask));
    number = serialAdd(number, 1);
    const { data, response } = await nextTextResponse(connection);
    expStatSN = serialAdd(response.statSN, 1);
    const whole = answer.add(data, !response.final);
    if (whole !== undefined) {
      const logout = { immediate: true, final: true, initiatorTaskTag: TASK_TAG, cmdSN: number, expStatSN };
      await connection.write(encodePdu('logoutRequest', logout));
      return parseTargetRecords(whole, malformed);
    }
    targetTransferTag = response.targetTransferTag;
    ask = Buffer.alloc(0);
  }
}

async function nextTextResponse(connection: PduConnection) {
  for (;;) {
    const pdu = await connection.next();
    if (pdu === undefined)
      throw new Failure('backend_down', 'the target closed the connection during discovery');
    const opcode = opcodeAt(pdu.bhs, 0);
    if (opcode === Opcode.textResponse)
      return { data: pdu.data, response: decodeBhs('textResponse', pdu.bhs) };
    const isPing = opcode === Opcode.nopIn || opcode === Opcode.asyncMessage;
    if (!isPing) {
      throw new Failure('backend_protocol', `the target answers SendTargets with ${describeOpcode(opcode)}`);
    }
  }
}
