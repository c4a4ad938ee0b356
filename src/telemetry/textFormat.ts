/** What `# HELP` and `# TYPE` say of a metric, and the labels that its series have. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly labels: readonly string[];
}

/** The two lines in front of a metric's series, in Prometheus' text format 0.0.4. */
export function familyHeader({ name, type, help }: Family): string {
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
}

/** `initiator="db1",lun="0"`: what stands between the braces. */
export function labelPairs(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(value).replaceAll('"', String.raw`\"`)}"`)
    .join(',');
}

/** @param labels from `labelPairs` */
export function series(name: string, labels: string, value: number): string {
  return `${name}{${labels}} ${value}\n`;
}

export interface Buckets {
  readonly bounds: readonly number[];
  /** Of each bucket by itself; one more than bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** All series of one histogram. @param labels from `labelPairs` */
export function histogramSeries(name: string, labels: string, { bounds, counts, sum }: Buckets): string {
  let text = '';
  let count = 0;
  for (let i = 0; i < bounds.length; i++) {
    count += counts[i]!;
    text += `${name}_bucket{${labels},le="${bounds[i]!}"} ${count}\n`;
  }
  count += counts[bounds.length]!;
  return `${text}${name}_bucket{${labels},le="+Inf"} ${count}\n${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${count}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`);
}
