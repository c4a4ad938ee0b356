/** The value of one series in Prometheus text. @param series as it stands there, labels included */
export function valueOf(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}
