import { opcodeAt } from '../iscsi/bhs.ts';
import { decodeBhs, encodeBhs, type PduFields } from '../iscsi/layouts.ts';
import { Opcode } from '../iscsi/opcode.ts';
import type { Pdu } from '../iscsi/pdu.ts';
import { residual } from '../iscsi/scsiResponse.ts';

/**
 * The answer to a command with other data, no longer than it was. Every PDU keeps its number, so those behind the end are empty,
 * and what says the status says how much less came than was expected (RFC 7143 §11.4.5).
 *
 * @param pdus its Data-In in order, and its SCSI Response if the status stands there
 */
export function withData(data: Buffer, pdus: readonly Pdu[]): Pdu[] {
  const before = pdus.filter(isDataIn).reduce((sum, pdu) => sum + pdu.data.length, 0);
  let bufferOffset = 0;
  return pdus.map((pdu) => {
    if (!isDataIn(pdu)) {
      const fields = decodeBhs('scsiResponse', pdu.bhs);
      return { ...pdu, bhs: encodeBhs('scsiResponse', { ...fields, ...residuals(fields, before, data) }) };
    }
    const piece = data.subarray(bufferOffset, bufferOffset + pdu.data.length);
    const fields = { ...decodeBhs('dataIn', pdu.bhs), bufferOffset };
    bufferOffset += piece.length;
    const left = fields.hasStatus ? residuals(fields, before, data) : {};
    return { ...pdu, bhs: encodeBhs('dataIn', { ...fields, ...left }), data: piece };
  });
}

function isDataIn({ bhs }: Pdu): boolean {
  return opcodeAt(bhs, 0) === Opcode.dataIn;
}

function residuals(
  { underflow, residualCount }: Pick<PduFields<'dataIn'>, 'underflow' | 'residualCount'>,
  before: number,
  data: Buffer,
): Partial<ReturnType<typeof residual>> {
  if (data.length === before) return {};
  return residual(before + (underflow ? residualCount : 0), data.length);
}
