import { blocksAt, firstBlockAt } from './blockRange.ts';
import { Figure, STREAMS } from './cell.ts';

/**
 * Does the READ or WRITE whose SCSI Command's BHS is at `bytes[at]` begin where one of the last few streams of its cell had ended? A
 * stream is known by its end alone, so several programs that each read on side by side are sequential all the same, up to STREAMS of them.
 */
export function isSequential(figures: Float64Array, cell: number, bytes: Uint8Array, at: number): boolean {
  const first = firstBlockAt(bytes, at);
  const blocks = blocksAt(bytes, at);
  if (first < 0 || blocks === 0) return false;
  const streams = cell + Figure.streams;
  for (let stream = streams; stream < streams + STREAMS; stream++) {
    if (figures[stream] !== first) continue;
    figures[stream] = first + blocks;
    return true;
  }
  const oldest = figures[cell + Figure.oldestStream]! | 0;
  figures[streams + oldest] = first + blocks;
  figures[cell + Figure.oldestStream] = oldest === STREAMS - 1 ? 0 : oldest + 1; // a remainder of what might be a fraction is dear
  return false;
}
