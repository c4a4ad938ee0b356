import type { Cdb, PersistentReserveOutCdb } from '../scsi/cdb.ts';
import { PersistentReserveIn, PersistentReserveOut } from '../scsi/operationCode.ts';
import { AdditionalSense } from '../scsi/sense.ts';
import { isAllRegistrants, type PersistentReservations } from './persistentReservation.ts';
import { good, illegalRequest, invalidFieldInCdb, type ScsiResult } from './scsiTask.ts';

const PARAMETER_LIST_LENGTH = 24;

const SERVICE_ACTIONS: ReadonlySet<number> = new Set(Object.values(PersistentReserveOut));

/** What can be refused before PERSISTENT RESERVE OUT's parameter list has come. */
export function refusePersistentReserveOut(cdb: PersistentReserveOutCdb): ScsiResult | undefined {
  if (!SERVICE_ACTIONS.has(cdb.serviceAction)) return invalidFieldInCdb(1);
  if (cdb.scope !== 0 && !isRegister(cdb)) return invalidFieldInCdb(2); // logical unit scope only
  if (cdb.parameterListLength !== PARAMETER_LIST_LENGTH) {
    return illegalRequest(AdditionalSense.parameterListLengthError);
  }
  return undefined;
}

/** PERSISTENT RESERVE OUT (SPC-5 §6.16). */
export function persistentReserveOut(
  state: PersistentReservations,
  initiatorPort: string,
  cdb: PersistentReserveOutCdb,
  parameters: Buffer,
): ScsiResult {
  if (parameters.length !== PARAMETER_LIST_LENGTH) {
    return illegalRequest(AdditionalSense.parameterListLengthError);
  }
  const flags = parameters[20]!;
  // SPEC_I_PT and APTPL are not among our capabilities. ALL_TG_PT is met by having one target port.
  if ((flags & 0x09) !== 0 && isRegister(cdb))
    return illegalRequest(AdditionalSense.invalidFieldInParameterList);
  return state.reserveOut(initiatorPort, {
    serviceAction: cdb.serviceAction,
    type: cdb.type,
    reservationKey: parameters.readBigUInt64BE(0),
    serviceActionReservationKey: parameters.readBigUInt64BE(8),
  });
}

/** PERSISTENT RESERVE IN (SPC-5 §6.15). */
export function persistentReserveIn(
  state: PersistentReservations,
  cdb: Extract<Cdb, { kind: 'persistentReserveIn' }>,
): ScsiResult {
  switch (cdb.serviceAction) {
    case PersistentReserveIn.readKeys:
      return good(readKeys(state), cdb.allocationLength);
    case PersistentReserveIn.readReservation:
      return good(readReservation(state), cdb.allocationLength);
    case PersistentReserveIn.reportCapabilities:
      return good(reportCapabilities(), cdb.allocationLength);
    case PersistentReserveIn.readFullStatus:
      return good(readFullStatus(state), cdb.allocationLength);
    default:
      return invalidFieldInCdb(1);
  }
}

function isRegister({ serviceAction }: PersistentReserveOutCdb): boolean {
  return (
    serviceAction === PersistentReserveOut.register ||
    serviceAction === PersistentReserveOut.registerAndIgnoreExistingKey
  );
}

function readKeys(state: PersistentReservations): Buffer {
  return withGeneration(state, [...state.registrations.values()].map(key64));
}

function readReservation(state: PersistentReservations): Buffer {
  const { reservation } = state;
  if (reservation === undefined) return withGeneration(state, []);
  const shared = isAllRegistrants(reservation.type);
  const body = Buffer.alloc(16);
  body.writeBigUInt64BE(shared ? 0n : (state.registrations.get(reservation.holder) ?? 0n));
  body[13] = reservation.type; // scope 0: the logical unit
  return withGeneration(state, [body]);
}

function reportCapabilities(): Buffer {
  const data = Buffer.alloc(8);
  data.writeUInt16BE(data.length);
  data[2] = 0x04; // ATP_C
  data[3] = 0x80; // TMV: the type mask is valid
  data.writeUInt16BE(0xea01, 4); // all six types
  return data;
}

function readFullStatus(state: PersistentReservations): Buffer {
  const descriptors = [...state.registrations].map(([initiatorPort, key]) => {
    const holds = state.holds(initiatorPort);
    const transportId = iscsiTransportId(initiatorPort);
    const descriptor = Buffer.alloc(24);
    descriptor.writeBigUInt64BE(key);
    descriptor[12] = holds ? 0x01 : 0; // R_HOLDER
    descriptor[13] = holds ? (state.reservation?.type ?? 0) : 0;
    descriptor.writeUInt16BE(1, 18); // relative target port identifier
    descriptor.writeUInt32BE(transportId.length, 20);
    return Buffer.concat([descriptor, transportId]);
  });
  return withGeneration(state, descriptors);
}

/** TransportID of an initiator port: name, `,i,0x`, ISID, NUL-terminated, padded to 4 (SPC-5 §7.6.4.6). */
function iscsiTransportId(initiatorPort: string): Buffer {
  const name = Buffer.from(initiatorPort, 'utf8');
  const length = Math.max(20, Math.ceil((name.length + 1) / 4) * 4);
  const id = Buffer.alloc(4 + length);
  id[0] = 0x45; // format 01b, protocol identifier 5h
  id.writeUInt16BE(length, 2);
  name.copy(id, 4);
  return id;
}

function withGeneration(state: PersistentReservations, items: Buffer[]): Buffer {
  const body = Buffer.concat(items);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(state.generation);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

function key64(key: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(key);
  return bytes;
}
