import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Supervisor, type Loss, type Member, type WorkerProcess } from '../../../src/workers/supervisor.ts';
import { pairOfLinks } from '../../support/links.ts';

beforeEach(() =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] }),
);
afterEach(() => vi.useRealTimers());

/** What a test has of one process that was started. */
interface Started {
  readonly number: number;
  readonly end: (how: string) => void;
  readonly member: TestMember;
  isKilled: boolean;
}

class TestMember implements Member {
  connections = 0;
  notTakenAt: number | undefined;
  process: { readonly cpuSeconds: number } | undefined;
  isLost = false;
  start = (): Promise<void> => Promise.resolve();
  ping = (): Promise<void> => Promise.resolve();
  lost(): void {
    this.isLost = true;
  }
}

function start(count: number, prepare: (member: TestMember) => void = () => {}) {
  const started: Started[] = [];
  const running: number[] = [];
  const losses: (Loss & { number: number })[] = [];
  let ends: ((how: string) => void)[] = [];
  const supervisor = new Supervisor<TestMember>({
    count,
    launch: (number): WorkerProcess => {
      const [link, other] = pairOfLinks();
      let end!: (how: string) => void;
      const ended = new Promise<string>((resolve) => (end = resolve));
      other.onClose(() => end('exit code 0'));
      ends.push(end);
      const kill = (): void => {
        started.find((one) => one.end === end)!.isKilled = true;
        end('SIGKILL');
      };
      return { pid: 100 + number, link, kill, ended };
    },
    member: (_process, number) => {
      const member = new TestMember();
      prepare(member);
      started.push({ number, end: ends.at(-1)!, member, isKilled: false });
      return member;
    },
    onRunning: ({ number }) => void running.push(number),
    onLost: ({ number }, loss) => void losses.push({ number, ...loss }),
  });
  return { supervisor, started, running, losses };
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test('all workers are there when it has started, and the one with the fewest connections is the next', async () => {
  const { supervisor, started, running } = start(3);
  await supervisor.start();
  expect(running).toEqual([1, 2, 3]);
  for (const [index, { member }] of started.entries()) member.connections = [2, 1, 3][index]!;
  expect(supervisor.idlest).toBe(started[1]!.member);
  await supervisor.stop();
});

test('a worker that has not taken a connection is left out for a while', async () => {
  const { supervisor, started } = start(2);
  await supervisor.start();
  const [first, second] = started.map(({ member }) => member);
  second!.connections = 5;
  first!.notTakenAt = performance.now();
  expect(supervisor.idlest).toBe(second);
  await vi.advanceTimersByTimeAsync(10_001);
  expect(supervisor.idlest).toBe(first);
  await supervisor.stop();
});

test('where none has taken what it was given, the one with the fewest connections is the next', async () => {
  const { supervisor, started } = start(2);
  await supervisor.start();
  for (const { member } of started) member.notTakenAt = performance.now();
  started[0]!.member.connections = 1;
  expect(supervisor.idlest).toBe(started[1]!.member);
  await supervisor.stop();
});

test('a worker that ends is told of, and replaced at once', async () => {
  const { supervisor, started, running, losses } = start(2);
  await supervisor.start();
  started[0]!.end('SIGSEGV');
  await settled();
  expect(started[0]!.member.isLost).toBe(true);
  expect(losses).toEqual([{ number: 1, how: 'SIGSEGV', restartMs: 0 }]);
  expect(running).toEqual([1, 2, 1]);
  expect(supervisor.running.map(({ number }) => number)).toEqual([1, 2]);
  await supervisor.stop();
});

test('what workers cost is told of those that run and have said it, with what those before in their place have cost', async () => {
  const { supervisor, started } = start(2);
  await supervisor.start();
  started[0]!.member.process = { cpuSeconds: 3 };
  started[1]!.member.process = { cpuSeconds: 1 };
  started[0]!.end('SIGSEGV');
  await settled();
  expect(supervisor.costs).toEqual([{ number: 2, pid: 102, connections: 0, cpuSeconds: 1 }]);
  Object.assign(started[2]!.member, { process: { cpuSeconds: 0.5 }, connections: 4 });
  expect(supervisor.costs[0]).toEqual({ number: 1, pid: 101, connections: 4, cpuSeconds: 3.5 });
  expect(supervisor.losses).toBe(1);
  await supervisor.stop();
});

test('one that ends again and again is started after longer and longer, and one that has worked at once', async () => {
  const { supervisor, started, losses } = start(1);
  await supervisor.start();
  for (let i = 0; i < 8; i++) {
    started.at(-1)!.end('exit code 1');
    await settled();
    await vi.advanceTimersByTimeAsync(losses.at(-1)!.restartMs);
  }
  expect(losses.map(({ restartMs }) => restartMs)).toEqual([
    0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  started.at(-1)!.end('exit code 1');
  await settled();
  expect(losses.at(-1)!.restartMs).toBe(0);
  await supervisor.stop();
});

test('while no worker is there, nobody takes connections', async () => {
  const { supervisor, started } = start(1);
  await supervisor.start();
  started[0]!.end('exit code 1');
  await settled();
  started[1]!.end('exit code 1');
  await settled();
  expect(supervisor.idlest).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1000);
  expect(supervisor.idlest).toBe(started[2]!.member);
  await supervisor.stop();
});

test('a worker that does not come up fails the start, and none stays', async () => {
  const { supervisor, started, losses } = start(2, (member) => {
    member.start = () => Promise.reject(new Error('no such file'));
  });
  await expect(supervisor.start()).rejects.toThrow('no such file');
  expect(started.every(({ member }) => member.isLost)).toBe(true);
  expect(losses).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a worker that ends while it starts fails the start', async () => {
  const { supervisor, started } = start(1, (member) => {
    member.start = () => new Promise(() => {});
  });
  const starting = supervisor.start();
  started[0]!.end('exit code 1');
  await expect(starting).rejects.toThrow('worker 1 ended while it started: exit code 1');
});

test('one that does not answer is ended', async () => {
  const { supervisor, started, losses } = start(2);
  await supervisor.start();
  started[1]!.member.ping = () => Promise.reject(new Error('no answer'));
  await vi.advanceTimersByTimeAsync(5000);
  await new Promise((resolve) => setImmediate(resolve)); // whether it is gone by then
  await settled();
  expect(started[1]!.isKilled).toBe(true);
  expect(losses).toMatchObject([{ number: 2, how: 'SIGKILL: no answer' }]);
  await supervisor.stop();
});

test('after a stop nothing is started any more', async () => {
  const { supervisor, started, losses } = start(2);
  await supervisor.start();
  await supervisor.stop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(started).toHaveLength(2);
  expect(losses).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
