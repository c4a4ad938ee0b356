import type { CommandPolicy } from '../policy/commandPolicy.ts';

const LUN_LENGTH = 8;
const LUN_LIST_HEADER = 8;

/**
 * Takes the hidden logical units out of REPORT LUNS parameter data (SPC-5 §6.33), in place: the others move up. Of a list that the
 * allocation length has cut, the length field stays: it says how much to ask for, and less would not bring what stands behind the
 * cut.
 *
 * @returns how many bytes are left. Zeros in the place of the others would be LUN 0 in a list that was cut, and libiscsi takes no
 *   list that ends before its data.
 */
export function maskLunList(list: Buffer, policy: CommandPolicy): number {
  if (list.length < LUN_LIST_HEADER) return list.length;
  const announced = list.readUInt32BE(0);
  const isCut = LUN_LIST_HEADER + announced > list.length;
  const end = Math.min(list.length, LUN_LIST_HEADER + announced);
  let to = LUN_LIST_HEADER;
  for (let from = LUN_LIST_HEADER; from + LUN_LENGTH <= end; from += LUN_LENGTH) {
    if (!policy.isVisible(list, from)) continue;
    list.copyWithin(to, from, from + LUN_LENGTH);
    to += LUN_LENGTH;
  }
  if (!isCut) list.writeUInt32BE(to - LUN_LIST_HEADER, 0);
  return to;
}
