/** Ascending numbers as one would say them: `0-3, 7`. */
export function lunRanges(luns: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const lun of luns.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && lun <= last[1] + 1) last[1] = lun;
    else ranges.push([lun, lun]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}
