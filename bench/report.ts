import { describeWork, WORKS, type WorkName } from './loads/work.ts';
import { ACTORS, type Sample } from './measure.ts';
import type { Footprint } from './memory.ts';
import type { PathName } from './paths/paths.ts';
import { spread } from './support/statistics.ts';

export interface Report {
  readonly machine: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  /** Of sangate, in each end. */
  readonly workers: number;
  /** Of the ends that run in Node. */
  readonly nodeFlags: readonly string[];
  readonly negotiated: object;
  /** A sample for each round. */
  readonly samples: Readonly<Partial<Record<WorkName, Partial<Record<PathName, readonly Sample[]>>>>>;
  readonly memory?: {
    readonly sessions: number;
    /** KiB of a bare TLS socket in Node. */
    readonly tlsSocket: number;
    readonly paths: Readonly<Partial<Record<PathName, Footprint>>>;
  };
}

/** As the document has it. */
export function markdown({ machine, rounds, seconds, workers, nodeFlags, samples, memory }: Report): string {
  const lines = [
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    `- sangate's workers: ${workers}`,
    ...(nodeFlags.length === 0 ? [] : [`- flags of Node: ${nodeFlags.join(' ')}`]),
    '',
    `${rounds} rounds of ${seconds} s each, interleaved. Medians, lowest and highest; CPU in microseconds an operation.`,
  ];
  if (Object.keys(samples).length > 0) {
    lines.push(
      '',
      '| Work | Path | a second | lowest–highest | / stunnel | / direct | CPU client end | server end | both | array | load |',
      '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
      ...Object.entries(samples).flatMap(([work, paths]) => workRows(work as WorkName, paths)),
    );
  }
  if (memory) {
    const { sessions, tlsSocket, paths } = memory;
    lines.push(
      '',
      `Resident memory for each of ${sessions} idle sessions. A bare TLS socket in Node takes ${tlsSocket.toFixed(1)} KiB.`,
      '',
      '| Path | client end | server end | server end, on top of the TLS socket |',
      '| --- | ---: | ---: | ---: |',
      ...Object.entries(paths).map(([path, { client, server }]) =>
        row(path, kib(client), kib(server), kib(server - tlsSocket)),
      ),
    );
  }
  return lines.join('\n');
}

function workRows(work: WorkName, paths: Partial<Record<PathName, readonly Sample[]>>): string[] {
  const medianOf = (path: PathName): number | undefined =>
    paths[path] && spread(paths[path].map(({ perSecond }) => perSecond)).median;
  return Object.entries(paths).map(([path, samples], index) => {
    const { median, min, max } = spread(samples.map(({ perSecond }) => perSecond));
    return row(
      index === 0 ? describeWork(WORKS[work]) : '',
      path,
      figure(median),
      `${figure(min)}–${figure(max)}`,
      ratio(median, medianOf('stunnel')),
      ratio(median, medianOf('direct')),
      ...cpuCells(samples),
    );
  });
}

function cpuCells(samples: readonly Sample[]): string[] {
  const [client, server, array, load] = ACTORS.map((actor) => {
    const used = samples.flatMap(({ cpu }) => cpu[actor] ?? []);
    return used.length === 0 ? undefined : spread(used).median;
  });
  const both = client === undefined || server === undefined ? undefined : client + server;
  return [client, server, both, array, load].map((cpu) => (cpu === undefined ? '' : cpu.toFixed(1)));
}

function ratio(value: number, base: number | undefined): string {
  return base === undefined ? '' : (value / base).toFixed(2);
}

function figure(value: number): string {
  return value < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}

function kib(value: number): string {
  return `${value.toFixed(1)} KiB`;
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
