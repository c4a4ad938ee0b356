import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { parseGatewayConfig } from '../../../../src/config/gatewayConfig.ts';
import { Failure } from '../../../../src/failures.ts';
import { Guards } from '../../../../src/gateway/guards.ts';
import type { Settings } from '../../../../src/gateway/inForce.ts';
import { toControl, toWorker } from '../../../../src/gateway/workers/protocol.ts';
import { WorkerPlane } from '../../../../src/gateway/workers/workerPlane.ts';
import type { GatewayEvent } from '../../../../src/telemetry/events.ts';
import { loadGatewayCredentials } from '../../../../src/tls/credentials.ts';
import { Channel, type Handlers } from '../../../../src/workers/channel.ts';
import { pairOfLinks } from '../../../support/links.ts';
import { saveTestPki } from '../../../support/certificates.ts';

const FIGURES = {
  sessions: [],
  traffic: { initiator: { pdus: 1, bytes: 10 }, target: { pdus: 2, bytes: 20 } },
  ledger: { accounts: [], nexuses: [], overflow: 0 },
  backends: [],
  process: { cpuSeconds: 1, residentBytes: 2, eventLoopDelayP99Seconds: 0 },
};

let directory: string;
let credentials: Settings['credentials'][number];
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sangate-'));
  const file = await saveTestPki(directory);
  credentials = await loadGatewayCredentials({
    cert: file('gateway.crt'),
    key: file('gateway.key'),
    clientCa: file('ca.crt'),
  });
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Settings that can be told from others by the rule's name. */
function settings(rule: string): Settings {
  const { config } = parseGatewayConfig(
    `listen: [{ address: 127.0.0.1:0, tls: { cert: a, key: b, clientCa: c } }]
backends: { array1: { portals: [10.0.0.5:3260] } }
initiators:
  ${rule}: { iqn: iqn.2026-01.x:db1, certificate: { cn: db1 }, from: [192.0.2.1], access: [{ target: iqn.2026-01.x:a }] }
`,
    { file: 'gateway.yaml' },
  );
  return { config, credentials: [credentials] };
}

const onBroken = (error: Error): never => {
  throw error;
};

/** Workers that only write down what they are told, as `2 commit` for the second process that was started. */
async function start(differing: (process: number) => Partial<Handlers<typeof toWorker>> = () => ({})) {
  const told: string[] = [];
  const events: GatewayEvent[] = [];
  const kills: (() => void)[] = [];
  const tell: Channel<typeof toWorker, typeof toControl>[] = [];
  const guards = new Guards();
  let waiting: (() => void)[] = [];
  const plane = new WorkerPlane({
    count: 2,
    settings: settings('old'),
    guards,
    observe: (event) => {
      events.push(event);
      for (const wake of waiting.splice(0)) wake();
    },
    launch: () => {
      const process = kills.length + 1;
      const [link, far] = pairOfLinks();
      const say = (what: string): void => void told.push(`${process} ${what}`);
      const handlers: Handlers<typeof toWorker> = {
        start: ({ settings }) => say(`start ${settings.config.initiators[0]!.id}`),
        prepare: ({ settings }) => say(`prepare ${settings.config.initiators[0]!.id}`),
        commit: () => {
          say('commit');
          return 1;
        },
        cancel: () => say('cancel'),
        take: () => {
          say('take');
          return true;
        },
        drop: ({ connection }) => say(`drop ${connection}`),
        figures: () => FIGURES,
        end: ({ failure }) => say(`end ${failure.reason}`),
        dismissAll: () => say('dismissAll'),
        stop: () => say('stop'),
        ...differing(process),
      };
      tell.push(new Channel(far, { asks: toControl, answers: toWorker, handlers, onBroken }));
      let how = 'exit code 0';
      const ended = new Promise<string>((resolve) => far.onClose(() => resolve(how)));
      const kill = (): void => {
        how = 'SIGKILL';
        far.close();
      };
      kills.push(kill);
      return { pid: process, link, kill, ended };
    },
  });
  const happens = async (kind: GatewayEvent['kind'], count: number): Promise<void> => {
    while (events.filter((event) => event.kind === kind).length < count) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  await plane.start();
  onTestFinished(() => plane.stop(new Failure('shutting_down', 'the test ends')));
  told.length = 0;
  return { plane, guards, told, events, kills, tell, happens };
}

test('a reload is made by all workers before any goes by it', async () => {
  const { plane, told } = await start();
  const prepared = await plane.prepare(settings('new'));
  expect(told.toSorted()).toEqual(['1 prepare new', '2 prepare new']);
  expect(await prepared.commit()).toBe(2);
  expect(told.slice(2).toSorted()).toEqual(['1 commit', '2 commit']);
});

test('what one worker can not make is taken back from the others', async () => {
  const { plane, told, events } = await start((process) =>
    process === 2
      ? {
          prepare: () => {
            throw new Failure('internal_error', 'no memory');
          },
        }
      : {},
  );
  await expect(plane.prepare(settings('new'))).rejects.toThrow('no memory');
  await plane.figures(); // whatever was on its way before has come
  expect(told).toEqual(['1 prepare new', '1 cancel', '2 cancel'].filter((line) => told.includes(line)));
  expect(told).toContain('1 cancel');
  expect(events.some(({ kind }) => kind === 'workerLost')).toBe(false);
});

test('a worker that comes between the two phases follows, too', async () => {
  const { plane, told, kills, happens } = await start();
  const prepared = await plane.prepare(settings('new'));
  kills[0]!();
  await happens('workerStarted', 3);
  told.length = 0;
  await prepared.commit();
  expect(told.filter((line) => line.startsWith('3'))).toEqual(['3 prepare new', '3 commit']);
});

test('a worker that cannot go by new settings is ended, and its successor begins with them', async () => {
  const { plane, told, happens, events } = await start((process) =>
    process === 2
      ? {
          commit: () => {
            throw new Error('stuck');
          },
        }
      : {},
  );
  const prepared = await plane.prepare(settings('new'));
  expect(await prepared.commit()).toBe(1);
  await happens('workerStarted', 3);
  expect(told).toContain('3 start new');
  expect(events.find(({ kind }) => kind === 'workerLost')).toMatchObject({ how: 'SIGKILL: stuck' });
});

test('a session that another worker replaces has to leave first, and a worker that is lost has left', async () => {
  const { tell, told, kills, events, happens } = await start();
  const presence = {
    initiatorName: 'iqn.x:db1',
    certificate: 'ab',
    serial: '01',
    names: '[]',
    address: '192.0.2.1',
    nexus: 'one',
  };
  const rule = { id: 'db1', location: 'g:1:1', maxSessions: 1, cluster: false };
  const session = { entrance: 1, peer: { address: '192.0.2.1' }, target: 'iqn.x:disk' };
  const first = await tell[0]!.ask('enter', { entrance: 1, presence, rule }, 1000);
  await tell[0]!.ask('begin', session, 1000);
  await tell[1]!.ask('enter', { entrance: 1, presence, rule }, 1000);
  const begun = tell[1]!.ask('begin', session, 5000);
  await tell[1]!
    .ask('enter', { entrance: 2, presence: { ...presence, nexus: 'two' }, rule }, 1000)
    .catch(() => {});
  expect(told).toContain('1 end reinstated');
  kills[0]!();
  await begun;
  await happens('workerLost', 1);
  expect(events.find(({ kind }) => kind === 'sessionEnded')).toMatchObject({
    session: first.id,
    by: 'gateway',
    failure: expect.objectContaining({ reason: 'worker_lost' }),
  });
});

test('traffic and processor time of lost workers stay in the sums', async () => {
  const { plane, kills, happens } = await start();
  expect((await plane.figures()).traffic.initiator).toEqual({ pdus: 2, bytes: 20 });
  kills[0]!();
  await happens('workerStarted', 3);
  const { traffic, workers, crashes } = await plane.figures();
  expect(traffic.initiator).toEqual({ pdus: 3, bytes: 30 });
  expect(workers.map(({ number, cpuSeconds }) => [number, cpuSeconds])).toEqual([
    [1, 2],
    [2, 1],
  ]);
  expect(crashes).toBe(1);
});

test('a worker that says what it has no business to say is ended', async () => {
  const { tell, events, happens } = await start();
  tell[0]!.tell('leave', { entrance: randomBytes(8).toString('hex') } as unknown as { entrance: number });
  await happens('workerLost', 1);
  const { how } = events.find((event) => event.kind === 'workerLost')!;
  expect(how).toMatch(/^SIGKILL: leave: /);
});

/** Hands the plane a connection. What happens to its place, and to itself, is written down. */
function hand(plane: WorkerPlane) {
  const socket = new Socket();
  const heard: string[] = [];
  const accepted = {
    listener: '127.0.0.1:3260',
    address: '192.0.2.1',
    at: performance.now(),
    leave: () => void heard.push('leaves'),
    wait: () => false,
  };
  plane.take(socket, accepted, ({ reason }) => void heard.push(reason));
  return { socket, heard };
}

const connectionsOf = async (plane: WorkerPlane): Promise<number[]> =>
  (await plane.figures()).workers.map(({ connections }) => connections);

const taking = (take: () => boolean | Promise<boolean>) =>
  start((process) => (process === 1 ? { take } : {}));

test('a connection that its worker does not take within 10 s is refused and forgotten, and dropped there', async () => {
  const { plane, told, tell } = await taking(() => new Promise(() => {}));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { heard } = hand(plane);
  await vi.advanceTimersByTimeAsync(9_999);
  expect(heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(heard).toEqual(['not_taken']);
  await vi.advanceTimersByTimeAsync(5);
  vi.useRealTimers();
  expect(await connectionsOf(plane)).toEqual([0, 0]);
  expect(told).toEqual(['1 drop 1']);
  for (const what of ['leftPlace', 'ended'] as const) tell[0]!.tell(what, { connection: 1 });
  expect(await tell[0]!.ask('wait', { connection: 1, sha256: 'ab' }, 1000)).toBe(false);
  expect([heard, await connectionsOf(plane)]).toEqual([['not_taken'], [0, 0]]);
});

test('a connection that the worker says it has is counted until it has ended', async () => {
  const { plane, tell } = await taking(() => true);
  const { heard } = hand(plane);
  expect(await connectionsOf(plane)).toEqual([1, 0]);
  tell[0]!.tell('ended', { connection: 1 });
  await tell[0]!.ask('wait', { connection: 1, sha256: 'ab' }, 1000);
  expect([heard, await connectionsOf(plane)]).toEqual([['leaves'], [0, 0]]);
});

test('what a worker could not say that it has when it was lost gives its place back once, with the rest', async () => {
  const { plane, kills, events, happens } = await taking(() => new Promise(() => {}));
  const { heard } = hand(plane);
  kills[0]!();
  await happens('workerLost', 1);
  expect(events.find(({ kind }) => kind === 'workerLost')).toMatchObject({ connections: 1 });
  await happens('workerStarted', 3);
  expect(heard).toEqual(['leaves']);
});

test('a connection that did not come through is refused also if a reload comes in between', async () => {
  let answer!: (hasCome: boolean) => void;
  const { plane } = await taking(() => new Promise((resolve) => (answer = resolve)));
  const { heard } = hand(plane);
  const prepared = await plane.prepare(settings('new'));
  await prepared.commit();
  answer(false);
  expect(await connectionsOf(plane)).toEqual([0, 0]);
  expect(heard).toEqual(['not_taken']);
});

test('a socket for a worker that has just gone is closed', async () => {
  const { plane, kills, happens } = await taking(() => true);
  kills[0]!();
  const { socket, heard } = hand(plane);
  await happens('workerLost', 1);
  expect([socket.destroyed, heard]).toEqual([true, ['leaves']]);
});
