import type { ReportSupportedOperationCodesCdb } from '../scsi/cdb.ts';
import {
  MaintenanceIn,
  OperationCode,
  PersistentReserveIn,
  PersistentReserveOut,
  ServiceActionIn16,
} from '../scsi/operationCode.ts';
import { good, invalidFieldInCdb, type ScsiResult } from './scsiTask.ts';

interface SupportedCommand {
  readonly operationCode: number;
  readonly serviceAction?: number;
  /** CDB usage data (SPC-5 §6.34.3): operation code, then the bits that are evaluated. */
  readonly usage: Buffer;
}

const Reporting = { all: 0, operationCode: 1, serviceAction: 2, either: 3 } as const;

const TIMEOUTS_DESCRIPTOR_LENGTH = 12;

/** Every command of the embedded target. */
const COMMANDS: readonly SupportedCommand[] = [
  command(OperationCode.testUnitReady, '00 00000000'),
  command(OperationCode.requestSense, '01 0000 ff 00'),
  command(OperationCode.read6, '1fffff ff 00'),
  command(OperationCode.write6, '1fffff ff 00'),
  command(OperationCode.inquiry, '01 ff ffff 00'),
  command(OperationCode.modeSense6, '08 ff ff ff 00'),
  command(OperationCode.startStopUnit, '00 0000 01 00'),
  command(OperationCode.preventAllowMediumRemoval, '00 0000 03 00'),
  command(OperationCode.readCapacity10, '00 00000000 0000 00 00'),
  command(OperationCode.read10, '18 ffffffff 00 ffff 00'),
  command(OperationCode.write10, '18 ffffffff 00 ffff 00'),
  command(OperationCode.writeAndVerify10, '16 ffffffff 00 ffff 00'),
  command(OperationCode.verify10, '16 ffffffff 00 ffff 00'),
  command(OperationCode.prefetch10, '00 ffffffff 00 ffff 00'),
  command(OperationCode.synchronizeCache10, '00 ffffffff 00 ffff 00'),
  command(OperationCode.writeSame10, '08 ffffffff 00 ffff 00'),
  command(OperationCode.unmap, '00 00000000 00 ffff 00'),
  command(OperationCode.modeSense10, '08 ff ff 000000 ffff 00'),
  ...Object.values(PersistentReserveIn).map((action) =>
    command(OperationCode.persistentReserveIn, '1f 0000000000 ffff 00', action),
  ),
  ...Object.values(PersistentReserveOut).map((action) =>
    command(OperationCode.persistentReserveOut, '1f ff 0000 ffffffff 00', action),
  ),
  command(OperationCode.read16, '18 ffffffffffffffff ffffffff 00 00'),
  command(OperationCode.compareAndWrite, '18 ffffffffffffffff 000000 ff 00 00'),
  command(OperationCode.write16, '18 ffffffffffffffff ffffffff 00 00'),
  command(OperationCode.writeAndVerify16, '16 ffffffffffffffff ffffffff 00 00'),
  command(OperationCode.verify16, '16 ffffffffffffffff ffffffff 00 00'),
  command(OperationCode.prefetch16, '00 ffffffffffffffff ffffffff 00 00'),
  command(OperationCode.synchronizeCache16, '00 ffffffffffffffff ffffffff 00 00'),
  command(OperationCode.writeSame16, '09 ffffffffffffffff ffffffff 00 00'),
  command(
    OperationCode.serviceActionIn16,
    '1f 0000000000000000 ffffffff 00 00',
    ServiceActionIn16.readCapacity16,
  ),
  command(OperationCode.reportLuns, '00 ff 000000 ffffffff 00 00'),
  command(
    OperationCode.maintenanceIn,
    '1f 87 ff ffff ffffffff 00 00',
    MaintenanceIn.reportSupportedOperationCodes,
  ),
  command(OperationCode.read12, '18 ffffffff ffffffff 00 00'),
  command(OperationCode.write12, '18 ffffffff ffffffff 00 00'),
  command(OperationCode.writeAndVerify12, '16 ffffffff ffffffff 00 00'),
  command(OperationCode.verify12, '16 ffffffff ffffffff 00 00'),
];

/** REPORT SUPPORTED OPERATION CODES (SPC-5 §6.34). */
export function reportSupportedOperationCodes(cdb: ReportSupportedOperationCodesCdb): ScsiResult {
  if (cdb.reportingOptions === Reporting.all) {
    return good(allCommands(cdb.timeouts), cdb.allocationLength);
  }
  if (cdb.reportingOptions > Reporting.either) return invalidFieldInCdb(2);
  const ofCode = COMMANDS.filter((known) => known.operationCode === cdb.requestedOperationCode);
  const hasActions = ofCode.some((known) => known.serviceAction !== undefined);
  const wantsAction = cdb.reportingOptions === Reporting.serviceAction;
  if (ofCode.length > 0 && cdb.reportingOptions !== Reporting.either && hasActions !== wantsAction) {
    return invalidFieldInCdb(2);
  }
  const wanted = ofCode.find((known) => (known.serviceAction ?? 0) === cdb.requestedServiceAction);
  const known = hasActions || cdb.reportingOptions !== Reporting.operationCode ? wanted : ofCode[0];
  return good(oneCommand(known, cdb.timeouts), cdb.allocationLength);
}

function allCommands(timeouts: boolean): Buffer {
  const descriptors = COMMANDS.map((known) => {
    const descriptor = Buffer.alloc(8);
    descriptor[0] = known.operationCode;
    descriptor.writeUInt16BE(known.serviceAction ?? 0, 2);
    descriptor[5] = (timeouts ? 0x02 : 0) | (known.serviceAction === undefined ? 0 : 0x01); // CTDP, SERVACTV
    descriptor.writeUInt16BE(known.usage.length, 6);
    return timeouts ? Buffer.concat([descriptor, timeoutsDescriptor()]) : descriptor;
  });
  const header = Buffer.alloc(4);
  header.writeUInt32BE(descriptors.reduce((sum, descriptor) => sum + descriptor.length, 0));
  return Buffer.concat([header, ...descriptors]);
}

function oneCommand(known: SupportedCommand | undefined, timeouts: boolean): Buffer {
  const header = Buffer.alloc(4);
  if (known === undefined) {
    header[1] = 0x01; // not supported
    return header;
  }
  header[1] = (timeouts ? 0x80 : 0) | 0x03; // CTDP, supported as the standard says
  header.writeUInt16BE(known.usage.length, 2);
  return Buffer.concat(timeouts ? [header, known.usage, timeoutsDescriptor()] : [header, known.usage]);
}

/** No timeouts are promised: all fields 0 (SPC-5 §6.34.4). */
function timeoutsDescriptor(): Buffer {
  const descriptor = Buffer.alloc(TIMEOUTS_DESCRIPTOR_LENGTH);
  descriptor.writeUInt16BE(TIMEOUTS_DESCRIPTOR_LENGTH - 2);
  return descriptor;
}

function command(operationCode: number, fields: string, serviceAction?: number): SupportedCommand {
  const usage = Buffer.from(operationCode.toString(16).padStart(2, '0') + fields.replaceAll(' ', ''), 'hex');
  if (serviceAction === undefined) return { operationCode, usage };
  usage[1] = serviceAction; // usage data shows the service action itself
  return { operationCode, serviceAction, usage };
}
