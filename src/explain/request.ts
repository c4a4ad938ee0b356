import { encodeLun } from '../iscsi/lun.ts';
import { encodeBhs } from '../iscsi/layouts.ts';
import { describeTaskFunction, TaskFunction } from '../iscsi/taskManagement.ts';
import type { Permission } from '../policy/rules.ts';
import { describeCommand, type CommandCode } from '../scsi/commandNames.ts';
import { OperationCode } from '../scsi/operationCode.ts';

/** A request of full feature phase that somebody asks about. */
export interface Request {
  /** As a person would look it up: `WRITE (10) 2Ah`. */
  readonly name: string;
  /** Its header, as an initiator would send it. */
  readonly bhs: (lun: number) => Buffer;
}

/** What one may allow or refuse in common, by a word; the permissions have those of the configuration. */
export type RequestClass = 'read' | 'write' | 'unmap' | 'configure' | Permission;

const VARIABLE_LENGTH = 0x7f;
/** Of a 32-byte CDB, the length of what follows byte 7 (SPC-5 §4.2.3). */
const ADDITIONAL_CDB_LENGTH = 0x18;
const INQUIRY_LENGTH = 36;

export function commandRequest(code: CommandCode): Request {
  const { operationCode, serviceAction = 0 } = code;
  const cdb = Buffer.alloc(16);
  cdb[0] = operationCode;
  if (operationCode === VARIABLE_LENGTH) {
    cdb[7] = ADDITIONAL_CDB_LENGTH;
    cdb.writeUInt16BE(serviceAction, 8);
  } else {
    cdb[1] = serviceAction;
  }
  // Without room for data the answer to INQUIRY would be its status alone.
  const isInquiry = operationCode === OperationCode.inquiry;
  if (isInquiry) cdb.writeUInt16BE(INQUIRY_LENGTH, 3);
  const fields = { final: true, read: isInquiry, expectedDataTransferLength: isInquiry ? INQUIRY_LENGTH : 0 };
  return {
    name: describeCommand(code),
    bhs: (lun) => encodeBhs('scsiCommand', { ...fields, lun: encodeLun(lun), cdb }),
  };
}

export function taskManagementRequest(name: keyof typeof TaskFunction): Request {
  return {
    name: describeTaskFunction(TaskFunction[name]),
    bhs: (lun) =>
      encodeBhs('taskManagementRequest', {
        final: true,
        function: TaskFunction[name],
        lun: encodeLun(lun),
      }),
  };
}

/** The most common request of each class. What policy says of it holds for the class. */
export const TYPICAL: Readonly<Record<RequestClass, Request>> = {
  read: commandRequest({ operationCode: 0x28 }),
  write: commandRequest({ operationCode: 0x2a }),
  unmap: commandRequest({ operationCode: 0x42 }),
  configure: commandRequest({ operationCode: 0x55 }),
  format: commandRequest({ operationCode: 0x04 }),
  sanitize: commandRequest({ operationCode: 0x48 }),
  reassign: commandRequest({ operationCode: 0x07 }),
  erase: commandRequest({ operationCode: 0x2c }),
  'extended-copy': commandRequest({ operationCode: 0x83 }),
  'write-buffer': commandRequest({ operationCode: 0x3b }),
  'security-protocol': commandRequest({ operationCode: 0xb5 }),
  'pass-through': commandRequest({ operationCode: 0x85 }),
  vendor: commandRequest({ operationCode: 0xc0 }),
  'target-reset': taskManagementRequest('targetWarmReset'),
  reservations: commandRequest({ operationCode: 0x5f }),
};

export const REQUEST_CLASSES = Object.keys(TYPICAL) as RequestClass[];

/** Refused only where there is no such logical unit. */
export const TEST_UNIT_READY: Request = commandRequest({ operationCode: OperationCode.testUnitReady });
