// What a scrape costs, and how long anything else has to wait for it meanwhile. `npm run bench:scrape`
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { Ledger } from '../src/accounting/ledger.ts';
import { encodeBhs } from '../src/iscsi/layouts.ts';
import { encodeLun } from '../src/iscsi/lun.ts';
import { ioMetrics } from '../src/telemetry/ioMetrics.ts';
import { spread } from './support/statistics.ts';

const SCRAPES = 40;
const WARM_UP = 10;
const LUNS = 16;
const LATENCIES_MS = [0.05, 0.3, 2, 7, 40];

/** A ledger with that many logical units, and in most of the buckets something. */
function filled(accounts: number): Ledger {
  let now = 0;
  const ledger = new Ledger({ now: () => now });
  for (let account = 0; account < accounts; account++) {
    const initiator = `initiator-${Math.floor(account / LUNS)}`;
    const target = `iqn.2026-01.org.example:array.volume-${Math.floor(account / LUNS)}`;
    const recorder = ledger.open({ initiator, target });
    for (let n = 0; n < 60; n++) {
      const cdb = Buffer.alloc(16);
      cdb[0] = [0x28, 0x2a, 0x12][n % 3]!;
      recorder.beginChunk();
      recorder.command(
        encodeBhs('scsiCommand', {
          initiatorTaskTag: n,
          final: true,
          read: true,
          lun: encodeLun(account % LUNS),
          expectedDataTransferLength: 512 << (n % 12),
          cdb,
        }),
        0,
        n,
      );
      now += LATENCIES_MS[n % LATENCIES_MS.length]! * (1 + Math.random());
      recorder.status(encodeBhs('scsiResponse', { initiatorTaskTag: n, status: n % 20 === 0 ? 8 : 0 }), 0, n);
      recorder.endChunk();
    }
  }
  return ledger;
}

async function measure(accounts: number): Promise<string> {
  const ledger = filled(accounts);
  const times: number[] = [];
  let lines = 0;
  const stalls: number[] = [];
  const longest: number[] = [];
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    const over = new AbortController();
    let last = performance.now();
    const watch = (async () => {
      while (!over.signal.aborted) {
        await setImmediate();
        const now = performance.now();
        stalls.push(now - last);
        last = now;
      }
    })();
    const start = performance.now();
    const body = Buffer.from(await ioMetrics(ledger.snapshot()));
    times.push(performance.now() - start);
    over.abort();
    await watch;
    if (scrape >= WARM_UP) longest.push(Math.max(...stalls.splice(0)));
    lines =
      body
        .toString()
        .split('\n')
        .filter((line) => !line.startsWith('#')).length - 1;
  }
  const cells = [
    accounts,
    lines,
    ...[times, longest].map((values) => `${spread(values).median.toFixed(1)} ms`),
  ];
  return `| ${cells.join(' | ')} |`;
}

console.log('| accounts | series | scrape | longest stall, median |');
console.log('|---:|---:|---:|---:|');
for (const accounts of [10, 64, 256, 512]) console.log(await measure(accounts));
