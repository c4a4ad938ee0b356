// What accounting costs: sessions with a ledger against sessions without, in turns. `npm run bench:accounting`
import { performance } from 'node:perf_hooks';
import { Ledger } from '../src/accounting/ledger.ts';
import type { NegotiatedParameters } from '../src/login/negotiation.ts';
import { describeDenied } from '../src/relay/access.ts';
import { Relay } from '../src/relay/relay.ts';
import { authenticated } from '../test/support/authenticated.ts';
import { DISK } from '../test/support/initiatorRule.ts';
import { Passage, type MakeTransform, type Pace } from './passage.ts';
import { TAGS, WORKLOADS, type Workload } from './workloads.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15);
const ROUND_MS = Number(process.env['BENCH_ROUND_MS'] ?? 400);
const WARM_UP_MS = 1000;
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

const ledger = new Ledger({ now: () => performance.now() });

/** Which of the two relays between one pair of sockets has its turn. */
let isAccounting = false;

const inTurns =
  (workload: Workload): MakeTransform =>
  (ends) => {
    const [off, on] = [relayed(workload, false)(ends), relayed(workload, true)(ends)];
    return {
      fromInitiator: (chunk) => (isAccounting ? on : off).fromInitiator(chunk),
      fromTarget: (chunk) => (isAccounting ? on : off).fromTarget(chunk),
    };
  };

const relayed =
  ({ access }: Workload, isAccounted: boolean): MakeTransform =>
  ({ toTarget, toInitiator }) => {
    const relay = new Relay({
      ...authenticated(DISK, DISK, access),
      parameters,
      statSN: 1000,
      expStatSN: 500,
      commandWindow: { expCmdSN: 1, maxCmdSN: 64 },
      record: { name: DISK, addresses: [] },
      onNotable: () => {},
      onDenied: (denied) => {
        throw new Error(`the workload is refused: ${describeDenied(denied)}`);
      },
      ...(isAccounted && { recorder: ledger.open({ initiator: 'db1', target: DISK }) }),
      toTarget,
      toInitiator,
    });
    return {
      fromInitiator: (chunk) => relay.fromInitiator(chunk),
      fromTarget: (chunk) => relay.fromTarget(chunk),
    };
  };

/** Over loopback TCP: what accounting adds to the CPU time of an exchange, in percent; and the nanoseconds of the relay alone. */
async function measure(workload: Workload): Promise<string> {
  const passage = await Passage.open(workload, inTurns(workload));
  const run = (which: boolean, ms: number): Promise<Pace> => {
    isAccounting = which;
    return passage.run(ms);
  };
  for (const which of [false, true]) await run(which, WARM_UP_MS);
  const paces: [Pace[], Pace[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? [false, true] : [true, false];
    for (const which of order) paces[which ? 1 : 0].push(await run(which, ROUND_MS));
  }
  passage.close();
  const [off, on] = paces;
  const cpu = median(on.map(({ cpuMicroseconds }, i) => cpuMicroseconds / off[i]!.cpuMicroseconds));
  const rate = median(on.map(({ perSecond }, i) => perSecond / off[i]!.perSecond));
  const microseconds = median(off.map(({ cpuMicroseconds }) => cpuMicroseconds));
  const [without, with_] = inMemory(workload);
  const cells = [
    workload.name,
    `${microseconds.toFixed(1)} µs`,
    percent(cpu),
    percent(rate),
    `${without.toFixed(0)} ns`,
    `${with_.toFixed(0)} ns`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Nanoseconds an exchange, without and with accounting: in chunks as a socket would give them; what is passed on goes nowhere. */
function inMemory(workload: Workload): [number, number] {
  const nowhere = { toTarget: () => {}, toInitiator: () => {} };
  const relays = [false, true].map((isAccounted) => relayed(workload, isAccounted)(nowhere));
  const requests = inChunks(Buffer.concat(workload.requests));
  const responses = inChunks(Buffer.concat(workload.responses));
  const rounds = Array.from({ length: MEMORY_ROUNDS }, () =>
    relays.map(({ fromInitiator, fromTarget }) => {
      const start = process.hrtime.bigint();
      for (const chunk of requests) fromInitiator(chunk);
      for (const chunk of responses) fromTarget(chunk);
      return Number(process.hrtime.bigint() - start) / TAGS;
    }),
  ).slice(MEMORY_ROUNDS / 2);
  return [median(rounds.map(([off]) => off!)), median(rounds.map(([, on]) => on!))];
}

function inChunks(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK);
  return Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(i * CHUNK, (i + 1) * CHUNK)));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const percent = (ratio: number): string => `${ratio < 1 ? '' : '+'}${(100 * (ratio - 1)).toFixed(1)} %`;

console.log('| depth 32 | CPU, off | CPU, on | rate, on | the walk alone, off | on |');
console.log('|---|---:|---:|---:|---:|---:|');
for (const workload of WORKLOADS) console.log(await measure(workload));
process.exit(0);
