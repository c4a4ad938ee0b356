import path from 'node:path';
import { parseArgs } from 'node:util';
import { WORKS, type WorkName } from './loads/work.ts';
import { PATHS, type PathName } from './paths/paths.ts';

export interface Options {
  readonly works: readonly WorkName[];
  readonly paths: readonly PathName[];
  readonly withMemory: boolean;
  readonly rounds: number;
  /** Each load's. */
  readonly seconds: number;
  readonly idleSessions: number;
  /** For the ends that run in Node. */
  readonly nodeFlags: readonly string[];
  /** Of sangate, in each end. */
  readonly workers: number;
  /** Another checkout of sangate, built: the path `beside`. */
  readonly beside?: string;
  /** File for the JSON. */
  readonly out?: string;
}

const HELP = `npm run bench -- [options]

  --rounds N    rounds of all works on all paths, interleaved (default 7)
  --seconds N   length of one load (default 3)
  --only LIST   works and paths, with commas; of a kind that is not named, all
                works: ${Object.keys(WORKS).join(' ')} memory
                paths: ${Object.keys(PATHS).join(' ')}
  --sessions N  idle sessions for \`memory\` (default 1000)
  --workers N   of sangate, in each end (default 1)
  --beside DIR  another checkout of sangate, built, as one more path
  --quick       --rounds 1 --seconds 1 --sessions 200, unless told otherwise; memory only if it is named
  --node-flags  for Node in the ends that run in it, such as
                "--cpu-prof --cpu-prof-dir=/tmp/profiles" or "--max-semi-space-size=32"
  --out FILE    every sample as JSON`;

/** @throws Error that says what is wrong */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string', default: '' },
      sessions: { type: 'string' },
      workers: { type: 'string' },
      beside: { type: 'string' },
      quick: { type: 'boolean', default: false },
      'node-flags': { type: 'string', default: '' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const preset = values.quick
    ? { rounds: 1, seconds: 1, sessions: 200 }
    : { rounds: 7, seconds: 3, sessions: 1000 };
  const named = new Set(values.only.split(',').filter((name) => name !== ''));
  const works = chosen(Object.keys(WORKS) as WorkName[], named);
  const withMemory = named.delete('memory');
  const paths = chosen(Object.keys(PATHS) as PathName[], named);
  if (named.size > 0) throw new Error(`--only: there is no ${[...named].join(', ')}\n\n${HELP}`);
  const noneNamed = works.length === 0;
  return {
    works: noneNamed && !withMemory ? (Object.keys(WORKS) as WorkName[]) : works,
    withMemory: withMemory || (noneNamed && !values.quick),
    paths: [
      ...(paths.length === 0 ? (Object.keys(PATHS) as PathName[]) : paths),
      ...(values.beside === undefined ? [] : ['beside' as const]),
    ],
    rounds: count('rounds', values.rounds, preset.rounds),
    seconds: count('seconds', values.seconds, preset.seconds),
    idleSessions: count('sessions', values.sessions, preset.sessions),
    workers: count('workers', values.workers, 1),
    nodeFlags: values['node-flags'].split(' ').filter((flag) => flag !== ''),
    ...(values.beside !== undefined && { beside: path.resolve(values.beside) }),
    ...(values.out !== undefined && { out: values.out }),
  };
}

/** Takes what it chooses out of the set. */
function chosen<T extends string>(all: readonly T[], named: Set<string>): T[] {
  return all.filter((name) => named.delete(name));
}

function count(name: string, text: string | undefined, preset: number): number {
  const value = text === undefined ? preset : Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name}: ${text} is not a whole number above 0`);
  return value;
}
