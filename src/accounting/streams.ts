import { Figure, STREAMS } from './cell.ts';

/**
 * A command for `blocks` blocks from `first` on: does it begin where one of the last few streams of its cell had ended? A stream is
 * known by its end alone, so several programs that each read on side by side are sequential all the same, up to STREAMS of them.
 *
 * @param first -1 if it is not known
 */
export function isSequential(figures: Float64Array, cell: number, first: number, blocks: number): boolean {
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
