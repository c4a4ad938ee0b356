import { opcodeAt } from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import { Opcode } from '../iscsi/opcode.ts';
import { NO_DIGESTS, parseWirePdu } from '../iscsi/pdu.ts';
import { SENSE_AT } from '../iscsi/scsiResponse.ts';
import { TaskResponse } from '../iscsi/taskManagement.ts';
import { describeSense } from '../scsi/sense.ts';
import { describeStatus, ScsiStatus } from '../scsi/status.ts';

/** Fixed sense data with key, code and qualifier (SPC-5 §4.4.3). */
const LEAST_SENSE = 14;

/** Reads what the relay would send. @param wire an answer to a command or a task management request */
export function describeAnswer(wire: Buffer): string {
  const { bhs, data } = parseWirePdu(wire, NO_DIGESTS);
  switch (opcodeAt(bhs, 0)) {
    case Opcode.dataIn: {
      const status = describeStatus(decodeBhs('dataIn', bhs).status);
      if (data.length === 0) return status;
      return `${status}, with INQUIRY data that begins with ${data[0]!.toString(16).toUpperCase()}h: nothing is there`;
    }
    case Opcode.taskManagementResponse: {
      const { response } = decodeBhs('taskManagementResponse', bhs);
      const name = Object.entries(TaskResponse).find(([, value]) => value === response)?.[0];
      return `task management response ${response}${name === undefined ? '' : ` ${name}`}`;
    }
    default: {
      const { status } = decodeBhs('scsiResponse', bhs);
      const name = describeStatus(status);
      return status === ScsiStatus.checkCondition ? `${name}, ${senseOf(data)}` : name;
    }
  }
}

function senseOf(data: Buffer): string {
  const sense = data.subarray(SENSE_AT);
  return sense.length < LEAST_SENSE ? 'without sense data' : `sense ${describeSense(sense)}`;
}
