/** Bytes in each. */
export const BUFFER_LENGTH = 256 * 1024;

/** What a process keeps for its next burst. */
const MAX_SPARE = 16;

const spare: Buffer[] = [];

/** A buffer whose content is anything. One that is not given back is garbage, no more. */
export function takeBuffer(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_LENGTH);
}

/** The last one is taken first: a processor's cache may hold it still. Nobody may read or write it any more. */
export function giveBack(buffer: Buffer): void {
  if (spare.length < MAX_SPARE) spare.push(buffer);
}
