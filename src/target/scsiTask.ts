import { AdditionalSense, fixedSense, SenseKey, type SenseDetail } from '../scsi/sense.ts';
import { ScsiStatus } from '../scsi/status.ts';

/** The I_T nexus as reservations know it; there is one target port, so the initiator port alone tells it apart. */
interface Nexus {
  /** Initiator port name: iSCSI name, `,i,0x` and the ISID in 12 hex digits (RFC 7143 §4.4.2). */
  readonly initiatorPort: string;
}

export interface ScsiTask {
  readonly cdb: Uint8Array;
  readonly nexus: Nexus;
  /** All data-out that came, in order; at most what `expectedTransfer` says, less when the initiator sent less. */
  readonly dataOut?: Buffer;
}

export interface ScsiResult {
  readonly status: ScsiStatus;
  readonly dataIn?: Buffer;
  /** Fixed format, 18 bytes, without iSCSI's SenseLength in front. */
  readonly sense?: Buffer;
}

export const GOOD: ScsiResult = { status: ScsiStatus.good };

export const RESERVATION_CONFLICT: ScsiResult = { status: ScsiStatus.reservationConflict };

/** GOOD with data, cut to the allocation length (SPC-5 §4.2.5.6). */
export function good(dataIn: Buffer, allocationLength = dataIn.length): ScsiResult {
  return { status: ScsiStatus.good, dataIn: dataIn.subarray(0, allocationLength) };
}

export function checkCondition(key: SenseKey, additional: AdditionalSense, detail?: SenseDetail): ScsiResult {
  return { status: ScsiStatus.checkCondition, sense: fixedSense(key, additional, detail) };
}

export function illegalRequest(additional: AdditionalSense): ScsiResult {
  return checkCondition(SenseKey.illegalRequest, additional);
}

/** INVALID FIELD IN CDB, pointing at the byte that is wrong. */
export function invalidFieldInCdb(cdbByte: number): ScsiResult {
  return checkCondition(SenseKey.illegalRequest, AdditionalSense.invalidFieldInCdb, { cdbByte });
}
