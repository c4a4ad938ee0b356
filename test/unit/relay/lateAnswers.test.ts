import { expect, test } from 'vitest';
import { Ledger } from '../../../src/accounting/ledger.ts';
import { encodeSenseSegment } from '../../../src/iscsi/scsiResponse.ts';
import { encodePdu, NO_DIGESTS } from '../../../src/iscsi/pdu.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { AdditionalSense, fixedSense, SenseKey } from '../../../src/scsi/sense.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { cdb } from '../../support/refusals.ts';
import { Relayed, TARGET_STAT_SN } from '../../support/relayed.ts';

// Answers name their command by the task tag alone. One that is cut by a chunk border may be whole only when its tag has another command.

const TAG = 7;
const ABORT_TAG = 9;
const REPORT_LUNS = 'a0';
const READ = '28';
const WRITE = '2a';
const CHECK_CONDITION = 2;
const LIST = Buffer.from(['00000010', '00000000', '0000000000000000', '0001000000000000'].join(''), 'hex');
const SENSE = encodeSenseSegment(fixedSense(SenseKey.mediumError, AdditionalSense.unrecoveredReadError));

const DATA_IN = encodePdu(
  'dataIn',
  { initiatorTaskTag: TAG, final: true, hasStatus: true },
  LIST,
  NO_DIGESTS,
);
const RESPONSE = encodePdu(
  'scsiResponse',
  { initiatorTaskTag: TAG, status: CHECK_CONDITION },
  SENSE,
  NO_DIGESTS,
);

function command(relayed: Relayed, operationCode: string): void {
  relayed.request('scsiCommand', { initiatorTaskTag: TAG, final: true, cdb: cdb(operationCode) });
}

/** A session in which a command was aborted, and the target answers it all the same: its header, and a part of its data, have come. */
function answeredLate(operationCode: string, answer: Buffer, isAccounted = false) {
  const recorder = new Ledger({ now: () => 0 }).open({ initiator: 'db1', target: DISK });
  const relayed = new Relayed({
    access: { luns: [0, 1], mode: 'read-only' },
    ...(isAccounted && { recorder }),
  });
  command(relayed, operationCode);
  const abort = {
    function: TaskFunction.abortTask,
    initiatorTaskTag: ABORT_TAG,
    referencedTaskTag: TAG,
  } as const;
  relayed.request('taskManagementRequest', abort);
  relayed.respond('taskManagementResponse', { initiatorTaskTag: ABORT_TAG, statSN: TARGET_STAT_SN });
  relayed.relay.fromTarget(answer.subarray(0, 50));
  return { relayed, rest: answer.subarray(50) };
}

test.each([
  ['a list, and the next command wants a list too', REPORT_LUNS, DATA_IN, REPORT_LUNS],
  ['a list, and the next command is something else', REPORT_LUNS, DATA_IN, READ],
  ['that it failed, and the next command wants a list too', REPORT_LUNS, RESPONSE, REPORT_LUNS],
  ['that it failed, and the next command is something else', REPORT_LUNS, RESPONSE, READ],
  ['a list, and the next command is refused', REPORT_LUNS, DATA_IN, WRITE],
  ['that it failed, and the next command is refused', REPORT_LUNS, RESPONSE, WRITE],
])('an aborted REPORT LUNS answers with %s: the session ends', (_, first, answer, second) => {
  const { relayed, rest } = answeredLate(first, answer);
  command(relayed, second);
  expectProtocolError('bad_sequence', () => relayed.relay.fromTarget(rest));
});

test('what fails late under a tag that is used again ends the session also where only accounting looks at it', () => {
  const { relayed, rest } = answeredLate(READ, RESPONSE, true);
  command(relayed, READ);
  expectProtocolError('bad_sequence', () => relayed.relay.fromTarget(rest));
});

test('an answer that comes late, and whose tag nobody has used again, passes', () => {
  for (const [operationCode, recorder] of [
    [REPORT_LUNS, false],
    [READ, true],
  ] as const) {
    const { relayed, rest } = answeredLate(operationCode, RESPONSE, recorder);
    relayed.relay.fromTarget(rest);
    expect(relayed.at('initiator')).toHaveLength(2);
  }
});
