import { expect, onTestFinished, test } from 'vitest';
import { Ledger } from '../../../../src/accounting/ledger.ts';
import { Failure } from '../../../../src/failures.ts';
import { StatusBoard } from '../../../../src/telemetry/status/statusBoard.ts';
import { SESSION } from '../../../support/adminListener.ts';

function start() {
  const ledger = new Ledger({ now: () => performance.now() });
  const board = new StatusBoard('1.2.3', {
    isReady: () => true,
    unauthenticated: () => 2,
    listeners: () => [],
    backends: () => [
      { name: 'array1', isUp: true },
      { name: 'array2', isUp: false },
    ],
    sessions: () => [SESSION, { ...SESSION, id: 8 }],
    ledger: () => ledger.snapshot(),
  });
  onTestFinished(() => board.stop());
  return { ledger, board };
}

test('a reading has what the sources say, and sessions by backend', () => {
  const { board } = start();
  const status = board.read();
  expect(status.gateway).toMatchObject({ version: '1.2.3', isReady: true, unauthenticated: 2 });
  expect(status.backends).toEqual([
    { name: 'array1', isUp: true, sessions: 2 },
    { name: 'array2', isUp: false, sessions: 0 },
  ]);
  expect(status.gateway.residentBytes).toBeGreaterThan(2 ** 20);
  expect(status.gateway.eventLoopDelayP99Seconds).toBeGreaterThanOrEqual(0);
  expect(board.read().at).toBeGreaterThan(status.at);
});

test('an initiator that has come is there, with no denial that there was not', () => {
  const { ledger, board } = start();
  ledger.open({ initiator: 'db1', target: 'iqn.x:disk' });
  expect(board.read().nexuses).toEqual([
    expect.objectContaining({ initiator: 'db1', target: 'iqn.x:disk', sessions: 1, denials: [] }),
  ]);
});

test('a reload that failed says why until one succeeds', () => {
  const { board } = start();
  const since = board.read().gateway.reload.settingsSince;
  board.observe({ kind: 'reload', causes: [], problem: 'line 3: no such key' });
  expect(board.read().gateway.reload).toEqual({ settingsSince: since, problem: 'line 3: no such key' });
  board.observe({ kind: 'reload', causes: [], kept: 1, ended: 0 });
  expect(board.read().gateway.reload).toEqual({ settingsSince: expect.any(String) });
});

test('who is refused is in the next reading', () => {
  const { board } = start();
  board.observe({
    kind: 'handshake',
    peer: { address: '203.0.113.9' },
    failure: new Failure('revoked_cert', 'revoked'),
  });
  expect(board.read().refusals).toEqual([expect.objectContaining({ reason: 'revoked_cert', stage: 'tls' })]);
});
