import { LOGICAL_BLOCK_LENGTH } from '../scsi/expectedTransfer.ts';
import { good, type ScsiResult } from './scsiTask.ts';

/** READ CAPACITY(10) (SBC-4 §5.20): beyond 32 bits FFFFFFFFh says to ask with (16). */
export function readCapacity10(blocks: number): ScsiResult {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(Math.min(blocks - 1, 0xffffffff));
  data.writeUInt32BE(LOGICAL_BLOCK_LENGTH, 4);
  return good(data);
}

/** READ CAPACITY(16) (SBC-4 §5.21). */
export function readCapacity16(blocks: number, allocationLength: number): ScsiResult {
  const data = Buffer.alloc(32);
  data.writeBigUInt64BE(BigInt(blocks - 1));
  data.writeUInt32BE(LOGICAL_BLOCK_LENGTH, 8);
  data[14] = 0xc0; // LBPME, LBPRZ
  return good(data, allocationLength);
}
