import { encodeLun } from '../iscsi/lun.ts';
import { absentLunInquiry } from '../scsi/absentLun.ts';
import { parseCdb } from '../scsi/cdb.ts';
import { AdditionalSense, fixedSense, SenseKey } from '../scsi/sense.ts';
import { good, illegalRequest, invalidFieldInCdb, type ScsiResult } from './scsiTask.ts';

/** REPORT LUNS (SPC-5 §6.33), which any LUN answers, also an absent one. */
export function reportLuns(luns: readonly number[], cdb: Uint8Array): ScsiResult {
  const command = parseCdb(cdb);
  if (command.kind !== 'reportLuns') return illegalRequest(AdditionalSense.invalidOperationCode);
  // 0: all but well-known; 1: only well-known, of which there are none; 2: both
  if (command.selectReport > 2) return invalidFieldInCdb(2);
  const list = command.selectReport === 1 ? [] : luns.map((lun) => encodeLun(lun));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 * list.length);
  return good(Buffer.concat([header, ...list]), command.allocationLength);
}

/** What a LUN answers that is not there, or that the initiator may not see (SPC-5 §4.5, SAM-5 §5.11). */
export function absentLunResult(cdb: Uint8Array): ScsiResult {
  const command = parseCdb(cdb);
  if (command.kind === 'inquiry') {
    if (command.vitalProductData || command.pageCode !== 0) return invalidFieldInCdb(1);
    return good(absentLunInquiry(), command.allocationLength);
  }
  if (command.kind === 'requestSense') {
    const sense = fixedSense(SenseKey.illegalRequest, AdditionalSense.logicalUnitNotSupported);
    return good(sense, command.allocationLength);
  }
  return illegalRequest(AdditionalSense.logicalUnitNotSupported);
}
