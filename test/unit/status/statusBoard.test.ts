import { expect, onTestFinished, test } from 'vitest';
import { Ledger } from '../../../src/accounting/ledger.ts';
import { Failure } from '../../../src/failures.ts';
import { StatusBoard } from '../../../src/status/statusBoard.ts';
import type { WorkerFigures } from '../../../src/telemetry/workerFigures.ts';
import { SESSION } from '../../support/adminListener.ts';

function start(workers: readonly WorkerFigures[] = []) {
  const ledger = new Ledger({ now: () => performance.now() });
  const board = new StatusBoard('1.2.3', {
    isReady: () => true,
    unauthenticated: () => 2,
    listeners: () => [],
    figures: async () => ({
      backends: [
        { name: 'array1', isUp: true },
        { name: 'array2', isUp: false },
      ],
      sessions: [SESSION, { ...SESSION, id: 8 }],
      ledger: ledger.snapshot(),
      workers,
    }),
  });
  onTestFinished(() => board.stop());
  return { ledger, board };
}

test('a reading has what the sources say, and sessions by backend', async () => {
  const { board } = start();
  const status = await board.read();
  expect(status.gateway).toMatchObject({ version: '1.2.3', isReady: true, unauthenticated: 2 });
  expect(status.backends).toEqual([
    { name: 'array1', isUp: true, sessions: 2 },
    { name: 'array2', isUp: false, sessions: 0 },
  ]);
  expect(status.gateway.residentBytes).toBeGreaterThan(2 ** 20);
  expect(status.gateway.eventLoopDelayP99Seconds).toBeGreaterThanOrEqual(0);
  expect((await board.read()).at).toBeGreaterThan(status.at);
});

test('an initiator that has come is there, with no denial that there was not', async () => {
  const { ledger, board } = start();
  ledger.open({ initiator: 'db1', target: 'iqn.x:disk' });
  expect((await board.read()).nexuses).toEqual([
    expect.objectContaining({ initiator: 'db1', target: 'iqn.x:disk', sessions: 1, denials: [] }),
  ]);
});

test('a reload that failed says why until one succeeds', async () => {
  const { board } = start();
  const since = (await board.read()).gateway.reload.settingsSince;
  board.observe({ kind: 'reload', causes: [], problem: 'line 3: no such key' });
  expect((await board.read()).gateway.reload).toEqual({
    settingsSince: since,
    problem: 'line 3: no such key',
  });
  board.observe({ kind: 'reload', causes: [], kept: 1, ended: 0 });
  expect((await board.read()).gateway.reload).toEqual({ settingsSince: expect.any(String) });
});

test('who is refused is in the next reading', async () => {
  const { board } = start();
  board.observe({
    kind: 'handshake',
    peer: { address: '203.0.113.9' },
    failure: new Failure('revoked_cert', 'revoked'),
  });
  expect((await board.read()).refusals).toEqual([
    expect.objectContaining({ reason: 'revoked_cert', stage: 'tls' }),
  ]);
});

test('with workers, memory is that of all processes and the delay that of the latest', async () => {
  const worker = {
    pid: 1,
    connections: 3,
    cpuSeconds: 1,
    residentBytes: 2 ** 40,
    eventLoopDelayP99Seconds: 50,
  };
  const workers = [
    { number: 1, ...worker },
    { number: 2, ...worker, eventLoopDelayP99Seconds: 70 },
  ];
  const { board } = start(workers);
  const status = await board.read();
  expect(status.workers).toEqual(workers);
  expect(status.gateway.residentBytes).toBeGreaterThan(2 ** 41);
  expect(status.gateway.eventLoopDelayP99Seconds).toBe(70);
});
