/** `512 B`, `1.5 KiB`, `20 GiB`: three digits at most before the unit. */
export function bytes(value: number): string {
  return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
}

/** `512`, `1.5 k`, `20 M`. */
export function count(value: number): string {
  return scaled(value, 1000, ['', 'k', 'M', 'G', 'T', 'P']).trimEnd();
}

/** Bytes a second as disks are spoken of, in decimal units: `0 B/s`, `1.5 kB/s`, `250 MB/s`. */
export function throughput(bytesPerSecond: number): string {
  return `${scaled(bytesPerSecond, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'])}/s`;
}

/** A short time: `85 µs`, `1.2 ms`, `20 ms`, `1.5 s`; a dash for one that there is none of. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  return scaled(seconds * 1e6, 1000, ['µs', 'ms', 's', 'ks']);
}

/** `67 %`; never `0 %` or `100 %` of what is a little more or less, and a dash for a share of nothing. */
export function percent(share: number | undefined): string {
  if (share === undefined) return '–';
  if (share > 0 && share < 0.01) return '<1 %';
  if (share < 1 && share > 0.99) return '>99 %';
  return `${Math.round(share * 100)} %`;
}

/** A long time, by its two largest units: `40 s`, `5 min 20 s`, `3 d 4 h`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const at = SPANS.findIndex(([length]) => whole >= length);
  const [length, unit] = SPANS[at] ?? [1, 's'];
  const [nextLength, nextUnit] = SPANS[at + 1] ?? [0, ''];
  const rest = nextLength === 0 ? 0 : Math.floor((whole % length) / nextLength);
  return `${Math.floor(whole / length)} ${unit}${rest > 0 ? ` ${rest} ${nextUnit}` : ''}`;
}

const SPANS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

function scaled(value: number, base: number, units: readonly string[]): string {
  let figure = value;
  let unit = 0;
  // 999.5 would be written as 1000.
  while (figure >= (unit === 0 ? base - 0.5 : 999.5) && unit < units.length - 1) {
    figure /= base;
    unit++;
  }
  const digits = unit > 0 && figure < 9.95 ? 1 : 0;
  return `${figure.toFixed(digits)} ${units[unit]}`;
}
