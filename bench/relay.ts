// What the relay costs: sessions with policy on, and with account kept, against one whose bytes are only copied. `npm run bench:relay`
import { Ledger } from '../src/accounting/ledger.ts';
import type { NegotiatedParameters } from '../src/login/negotiation.ts';
import { describeDenied } from '../src/relay/access.ts';
import { Relay } from '../src/relay/relay.ts';
import { authenticated } from '../test/support/authenticated.ts';
import { DISK } from '../test/support/initiatorRule.ts';
import { Passage, type MakeTransform, type Pace } from './passage.ts';
import { TAGS, WORKLOADS, type Workload } from './workloads.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15);
const ROUND_MS = Number(process.env['BENCH_ROUND_MS'] ?? 300);
const WARM_UP_MS = 1000;
/** TCP's windows differ from connection to connection and grow: each round has new ones, and lets them. */
const SETTLE_MS = 50;
/** As libuv reads from a socket. */
const CHUNK = 64 * 1024;
const MEMORY_ROUNDS = 400;

const parameters: NegotiatedParameters = {
  digests: { header: false, data: false },
  maxRecvDataSegmentLength: { initiator: 262144, target: 8192 },
  initialR2T: false,
  immediateData: true,
  maxBurstLength: 262144,
  firstBurstLength: 65536,
  maxOutstandingR2T: 1,
};

const copied: MakeTransform = ({ toTarget, toInitiator }) => ({
  fromInitiator: toTarget,
  fromTarget: toInitiator,
});

const relayed =
  ({ access }: Workload, ledger?: Ledger): MakeTransform =>
  ({ toTarget, toInitiator }) => {
    const relay = new Relay({
      ...authenticated(DISK, DISK, access),
      parameters,
      statSN: 1000,
      expStatSN: 500,
      commandWindow: { expCmdSN: 1, maxCmdSN: 64 },
      record: { name: DISK, addresses: [] },
      ...(ledger && { recorder: ledger.open({ initiator: 'db1', target: DISK }) }),
      onNotable: () => {},
      onDenied: (denied) => {
        throw new Error(`the workload is refused: ${describeDenied(denied)}`);
      },
      toTarget,
      toInitiator,
    });
    return {
      fromInitiator: (chunk) => relay.fromInitiator(chunk),
      fromTarget: (chunk) => relay.fromTarget(chunk),
    };
  };

/** What stands against the copying session; the first is another one that copies, and shows what the machine's noise is worth. */
const CONTENDERS = {
  control: () => copied,
  policy: (workload: Workload) => relayed(workload),
  'policy and accounting': (workload: Workload) =>
    relayed(workload, new Ledger({ now: () => performance.now() })),
} as const;

interface Contender {
  readonly name: string;
  /** Medians. */
  readonly pace: Pace;
  /** Throughput against the copying session: the median of the rounds' own ratios. */
  readonly ratio: number;
  /** The same by CPU time, which a busy machine disturbs less: the copying session's against this one's. */
  readonly cpuRatio: number;
  /** Of the middle alone, without sockets: for each PDU of an exchange, both ways. */
  readonly nanosecondsPerPdu: number;
}

interface Result {
  readonly workload: string;
  readonly copied: Pace;
  readonly contenders: readonly Contender[];
}

async function measure(workload: Workload): Promise<Result> {
  const names = Object.keys(CONTENDERS) as (keyof typeof CONTENDERS)[];
  const kinds = [copied, ...names.map((name) => CONTENDERS[name](workload))];
  const paces = kinds.map((): Pace[] => []);
  for (const kind of kinds) await paceOf(workload, kind, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    // Each comes first in its turn, for it has the garbage of the one before.
    for (let i = 0; i < kinds.length; i++) {
      const which = (round + i) % kinds.length;
      paces[which]!.push(await paceOf(workload, kinds[which]!, ROUND_MS));
    }
  }
  const copies = paces[0]!;
  const contenders = names.map((name, i): Contender => {
    const own = paces[i + 1]!;
    return {
      name,
      pace: typical(own),
      ratio: median(own.map(({ perSecond }, round) => perSecond / copies[round]!.perSecond)),
      cpuRatio: median(
        own.map(({ cpuMicroseconds }, round) => copies[round]!.cpuMicroseconds / cpuMicroseconds),
      ),
      nanosecondsPerPdu: inMemory(workload, kinds[i + 1]!),
    };
  });
  return { workload: workload.name, copied: typical(copies), contenders };
}

async function paceOf(workload: Workload, kind: MakeTransform, milliseconds: number): Promise<Pace> {
  const passage = await Passage.open(workload, kind);
  await passage.run(SETTLE_MS);
  const pace = await passage.run(milliseconds);
  passage.close();
  return pace;
}

function typical(paces: readonly Pace[]): Pace {
  return {
    perSecond: median(paces.map(({ perSecond }) => perSecond)),
    cpuMicroseconds: median(paces.map(({ cpuMicroseconds }) => cpuMicroseconds)),
  };
}

/** All exchanges in chunks as a socket would give them; what is passed on goes nowhere. */
function inMemory(workload: Workload, kind: MakeTransform): number {
  const { fromInitiator, fromTarget } = kind({ toTarget: () => {}, toInitiator: () => {} });
  const requests = inChunks(Buffer.concat(workload.requests));
  const responses = inChunks(Buffer.concat(workload.responses));
  const nanoseconds = Array.from({ length: MEMORY_ROUNDS }, () => {
    const start = process.hrtime.bigint();
    for (const chunk of requests) fromInitiator(chunk);
    for (const chunk of responses) fromTarget(chunk);
    return Number(process.hrtime.bigint() - start) / (TAGS * workload.pdus);
  });
  return median(nanoseconds.slice(MEMORY_ROUNDS / 2));
}

function inChunks(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK);
  return Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(i * CHUNK, (i + 1) * CHUNK)));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function rows({ workload, copied, contenders }: Result): string[] {
  return [
    `| ${workload} | copied | ${cells(copied)} | | | |`,
    ...contenders.map(({ name, pace, ratio, cpuRatio, nanosecondsPerPdu }) => {
      const ratios = `${ratio.toFixed(3)} | ${cpuRatio.toFixed(3)}`;
      return `| | ${name} | ${cells(pace)} | ${ratios} | ${nanosecondsPerPdu.toFixed(0)} ns |`;
    }),
  ];
}

function cells({ perSecond, cpuMicroseconds }: Pace): string {
  return `${perSecond.toFixed(0)}/s | ${cpuMicroseconds.toFixed(2)} µs`;
}

const results: Result[] = [];
for (const workload of WORKLOADS) results.push(await measure(workload));
console.log('| depth 32 | | throughput | CPU for one | ratio | by CPU time | in memory, for a PDU |');
console.log('|---|---|---:|---:|---:|---:|---:|');
for (const line of results.flatMap(rows)) console.log(line);
console.log(JSON.stringify({ node: process.version, rounds: ROUNDS, roundMs: ROUND_MS, results }));
process.exit(0);
