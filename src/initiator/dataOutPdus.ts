import type { PduFields } from '../iscsi/layouts.ts';
import { encodePdu, type Digests } from '../iscsi/pdu.ts';

interface How {
  readonly digests: Digests;
  /** The most data that the target takes in one PDU. */
  readonly maxLength: number;
  readonly expStatSN: number;
}

/** The Data-Out PDUs that an R2T asks for, F in the last one; it asks for nothing that is not there. */
export function* dataOutPdus(r2t: PduFields<'r2t'>, data: Buffer, how: How): Generator<Buffer> {
  const { initiatorTaskTag, targetTransferTag, desiredDataTransferLength } = r2t;
  const { digests, maxLength, expStatSN } = how;
  const end = r2t.bufferOffset + desiredDataTransferLength;
  for (
    let bufferOffset = r2t.bufferOffset, dataSN = 0;
    bufferOffset < end;
    bufferOffset += maxLength, dataSN++
  ) {
    const piece = data.subarray(bufferOffset, Math.min(end, bufferOffset + maxLength));
    const final = bufferOffset + piece.length === end;
    const fields = { final, initiatorTaskTag, targetTransferTag, expStatSN, dataSN, bufferOffset };
    yield encodePdu('dataOut', fields, piece, digests);
  }
}
