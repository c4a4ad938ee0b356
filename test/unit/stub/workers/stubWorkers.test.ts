import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { stubConfigFrom } from '../../../../src/config/stubConfig.ts';
import { STUB_BOUNDS } from '../../../../src/stub/bounds.ts';
import type { StubSettings } from '../../../../src/stub/stub.ts';
import { toControl, toWorker } from '../../../../src/stub/workers/protocol.ts';
import { StubWorkers, type NotTaken } from '../../../../src/stub/workers/stubWorkers.ts';
import { loadStubCredentials } from '../../../../src/tls/credentials.ts';
import { Channel, type Handlers } from '../../../../src/workers/channel.ts';
import { saveTestPki } from '../../../support/certificates.ts';
import { pairOfLinks } from '../../../support/links.ts';

let directory: string;
let settings: StubSettings;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sangate-'));
  const file = await saveTestPki(directory);
  const tls = { cert: file('client.crt'), key: file('client.key'), ca: file('ca.crt') };
  const { config } = stubConfigFrom({ listen: '127.0.0.1:0', gateways: ['127.0.0.1:1'], tls }, '/');
  settings = { config, credentials: await loadStubCredentials(tls) };
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const onBroken = (error: Error): never => {
  throw error;
};

/** A stub with two workers that do as the test says. All that is told is written down; `next` waits for the next of it. */
async function start(take: Handlers<typeof toWorker>['take'] = () => true, connections = 10) {
  const told: (string | NotTaken)[] = [];
  let wake: (() => void) | undefined;
  const tell = (what: string | NotTaken): void => {
    told.push(what);
    wake?.();
  };
  const next = async (): Promise<string | NotTaken> => {
    while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return told.shift()!;
  };
  const workers: { channel: Channel<typeof toWorker, typeof toControl>; kill: () => void }[] = [];
  const stub = new StubWorkers({
    ...settings,
    count: 2,
    bounds: { ...STUB_BOUNDS, connections },
    observe: (event) => {
      if (event.kind === 'warmth') tell(event.error === undefined ? 'warm' : 'cold');
      if (event.kind === 'refused') tell(`refused: ${event.detail}`);
    },
    onWorkerStarted: ({ worker }) => tell(`started ${worker}`),
    onWorkerLost: ({ worker }) => tell(`lost ${worker}`),
    onNotTaken: tell,
    launch: (number) => {
      const [link, far] = pairOfLinks();
      const handlers: Handlers<typeof toWorker> = {
        start: () => {},
        take,
        drop: () => {},
        use: () => {},
        figures: () => ({
          tunnels: 0,
          warm: 0,
          process: { cpuSeconds: 1, residentBytes: 2, eventLoopDelayP99Seconds: 0 },
        }),
        stop: () => {},
      };
      const channel = new Channel(far, { asks: toControl, answers: toWorker, handlers, onBroken });
      const ended = new Promise<string>((resolve) => far.onClose(() => resolve('SIGKILL')));
      const kill = (): void => far.close();
      workers[number - 1] = { channel, kill };
      return { pid: number, link, kill, ended };
    },
  });
  const { port } = await stub.start();
  onTestFinished(() => stub.stop());
  expect([await next(), await next()]).toEqual(['started 1', 'started 2']);
  return { stub, port, workers, next };
}

test('a connection that its worker does not take is closed, told of and forgotten', async () => {
  const { stub, port, next } = await start(() => false);
  const initiator = net.connect({ host: '127.0.0.1', port }).resume();
  const closed = once(initiator, 'close');
  await once(initiator, 'connect');
  const { localPort } = initiator;
  expect(await next()).toEqual({
    initiator: `127.0.0.1:${localPort}`,
    detail: expect.stringContaining('worker 1 did not take the connection'),
    suppressed: 0,
  });
  await closed;
  expect(stub.workers.map(({ connections }) => connections)).toEqual([0, 0]);
});

test('a connection that no worker may have any more is closed and told of', async () => {
  const { port, next } = await start(() => true, 0);
  await once(net.connect({ host: '127.0.0.1', port }).resume(), 'close');
  expect(await next()).toMatch(/^refused: 0 connections of initiators are open/);
});

test('that none can be dialled ahead is told once of all workers, and so is its end', async () => {
  const { workers, next } = await start();
  for (const { channel } of workers) channel.tell('event', { kind: 'warmth', error: { message: 'refused' } });
  for (const { channel } of workers) channel.tell('event', { kind: 'warmth' });
  expect([await next(), await next()]).toEqual(['cold', 'warm']);
});

test('trouble of another kind is told again, once of all workers', async () => {
  const { workers, next } = await start();
  const troubles = [{ message: 'closed after 3 s' }, { message: 'refused', reasons: ['refused'] }];
  for (const error of troubles) {
    for (const { channel } of workers) channel.tell('event', { kind: 'warmth', error });
  }
  for (const { channel } of workers) channel.tell('event', { kind: 'warmth' });
  expect([await next(), await next(), await next()]).toEqual(['cold', 'cold', 'warm']);
});

test('trouble ends with the worker that had it, and that is told', async () => {
  const { workers, next } = await start();
  workers[0]!.channel.tell('event', { kind: 'warmth', error: { message: 'refused' } });
  expect(await next()).toBe('cold');
  workers[0]!.kill();
  expect([await next(), await next(), await next()]).toEqual(['lost 1', 'warm', 'started 1']);
});
