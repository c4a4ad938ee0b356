import type { BlockRange } from '../scsi/cdb.ts';
import { AdditionalSense } from '../scsi/sense.ts';
import { Limits } from './limits.ts';
import { illegalRequest, type ScsiResult } from './scsiTask.ts';

const HEADER_LENGTH = 8;
const DESCRIPTOR_LENGTH = 16;

/** The ranges of an UNMAP parameter list (SBC-4 §5.35.2), or the refusal; ranges are not held against the capacity. */
export function parseUnmapParameters(list: Buffer): readonly BlockRange[] | ScsiResult {
  if (list.length === 0) return [];
  if (list.length < HEADER_LENGTH) return illegalRequest(AdditionalSense.parameterListLengthError);
  const end = Math.min(list.length, HEADER_LENGTH + list.readUInt16BE(2));
  const ranges: BlockRange[] = [];
  for (let at = HEADER_LENGTH; at + DESCRIPTOR_LENGTH <= end; at += DESCRIPTOR_LENGTH) {
    ranges.push({ lba: list.readBigUInt64BE(at), blocks: list.readUInt32BE(at + 8) });
  }
  const blocks = ranges.reduce((sum, range) => sum + range.blocks, 0);
  if (ranges.length > Limits.unmapDescriptors || blocks > Limits.unmapBlocks) {
    return illegalRequest(AdditionalSense.invalidFieldInParameterList);
  }
  return ranges;
}
