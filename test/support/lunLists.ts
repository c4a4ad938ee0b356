/** REPORT LUNS parameter data with these LUNs, whole. */
export function lunList(...luns: string[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 * luns.length);
  return Buffer.concat([header, ...luns.map((lun) => Buffer.from(lun.padEnd(16, '0'), 'hex'))]);
}

/** Of an array, and what is left of it where only LUN 1 and 300 are visible. */
export const WHOLE_LUNS = lunList('0000', '0001', '0002', '412c', '4001', 'c101', '8001');
export const VISIBLE_LUNS = lunList('0001', '412c', '4001');
