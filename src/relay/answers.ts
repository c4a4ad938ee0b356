import { Offset, RESERVED_TAG, u32At } from '../iscsi/bhs.ts';
import { decodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { encodePdu } from '../iscsi/pdu.ts';
import { encodeSenseSegment, residual } from '../iscsi/scsiResponse.ts';
import { TaskFunction, TaskResponse } from '../iscsi/taskManagement.ts';
import type { Denial } from '../policy/commandPolicy.ts';
import { absentLunInquiry } from '../scsi/absentLun.ts';
import { OperationCode } from '../scsi/operationCode.ts';
import { AdditionalSense, fixedSense, SenseKey } from '../scsi/sense.ts';
import { ScsiStatus } from '../scsi/status.ts';
import type { Answer } from './substitution.ts';

/** AsyncEvent: the target requests a logout. */
const LOGOUT_EVENT = 1;

/** As they stand in a SCSI Response. */
const SENSE: Readonly<Record<Denial, Buffer>> = {
  'hidden-lun': senseSegment(SenseKey.illegalRequest, AdditionalSense.logicalUnitNotSupported),
  'write-protected': senseSegment(SenseKey.dataProtect, AdditionalSense.writeProtected),
  'not-supported': senseSegment(SenseKey.illegalRequest, AdditionalSense.invalidOperationCode),
};

/** A Text Response in one PDU. */
export function textAnswer(initiatorTaskTag: number, text: Buffer): Answer {
  const fields = { final: true, initiatorTaskTag, targetTransferTag: RESERVED_TAG };
  return (numbers, digests) => encodePdu('textResponse', { ...fields, ...numbers }, text, digests);
}

/** Async Message that asks for a logout within this time (RFC 7143 §11.9.1). */
export function logoutRequested(seconds: number): Answer {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 0xffff) {
    throw new RangeError(`a logout is asked for within 0 to 65535 whole seconds, not ${seconds}`);
  }
  const fields = { final: true, initiatorTaskTag: RESERVED_TAG, event: LOGOUT_EVENT, parameter3: seconds };
  return (numbers, digests) => encodePdu('asyncMessage', { ...fields, ...numbers }, undefined, digests);
}

/**
 * What a refused SCSI command is answered: what a target says that does not have, or does not let change, what is asked for.
 *
 * @param request the command's BHS
 */
export function refusedCommand(request: Buffer, denial: Denial): Answer {
  if (denial === 'hidden-lun' && request[Offset.cdb] === OperationCode.inquiry) {
    const command = decodeBhs('scsiCommand', request);
    if (isStandardInquiry(command)) return absentLun(command);
  }
  return (numbers, digests) => {
    const fields = {
      final: true,
      status: ScsiStatus.checkCondition,
      initiatorTaskTag: u32At(request, Offset.initiatorTaskTag),
      ...residual(u32At(request, Offset.expectedDataTransferLength), 0),
    };
    return encodePdu('scsiResponse', { ...fields, ...numbers }, SENSE[denial], digests);
  };
}

/**
 * What a refused task management request is answered.
 *
 * @param request its BHS
 * @param hasAborted it was the abort of a task that was refused here as well, and that is over now
 */
export function refusedTaskManagement(request: Buffer, denial: Denial, hasAborted: boolean): Answer {
  const { initiatorTaskTag, function: taskFunction } = decodeBhs('taskManagementRequest', request);
  const fields = { final: true, response: taskResponse(taskFunction, denial, hasAborted), initiatorTaskTag };
  return (numbers, digests) =>
    encodePdu('taskManagementResponse', { ...fields, ...numbers }, undefined, digests);
}

function taskResponse(taskFunction: number, denial: Denial, hasAborted: boolean): number {
  if (denial !== 'hidden-lun') return TaskResponse.notSupported;
  if (hasAborted) return TaskResponse.complete;
  return taskFunction === TaskFunction.abortTask ? TaskResponse.noSuchTask : TaskResponse.noSuchLun;
}

function senseSegment(key: SenseKey, additional: AdditionalSense): Buffer {
  return encodeSenseSegment(fixedSense(key, additional));
}

/** With W as well, the expected length would be that of data to the target; without R, none is expected. */
function isStandardInquiry({ read, write, cdb }: PduFields<'scsiCommand'>): boolean {
  return read && !write && (cdb[1]! & 0x01) === 0 && cdb[2] === 0;
}

/** INQUIRY data that says that nothing is there; with no room for any, the status alone (SPC-5 §4.2.5.6). */
function absentLun({ initiatorTaskTag, expectedDataTransferLength, cdb }: PduFields<'scsiCommand'>): Answer {
  const inquiry = absentLunInquiry().subarray(0, cdb.readUInt16BE(3));
  const data = inquiry.subarray(0, expectedDataTransferLength);
  const fields = {
    final: true,
    status: ScsiStatus.good,
    initiatorTaskTag,
    ...residual(expectedDataTransferLength, inquiry.length),
  };
  if (data.length === 0) {
    return (numbers, digests) => encodePdu('scsiResponse', { ...fields, ...numbers }, undefined, digests);
  }
  const more = { hasStatus: true, targetTransferTag: RESERVED_TAG };
  return (numbers, digests) => encodePdu('dataIn', { ...fields, ...more, ...numbers }, data, digests);
}
