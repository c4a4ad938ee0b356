import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Portal } from '../../../src/iscsi/targetAddress.ts';
import type { DialledTunnel } from '../../../src/stub/dialTunnel.ts';
import type { Trouble } from '../../../src/stub/trouble.ts';
import { WarmTunnels } from '../../../src/stub/warmTunnels.ts';
import { DialError } from '../../../src/transport/dial.ts';

const FIRST: Portal = { host: '192.0.2.1', port: 3261 };
const SECOND: Portal = { host: '192.0.2.2', port: 3261 };
const MINUTE = 60_000;

const REFUSED = '192.0.2.1:3261: refused';
const NOBODY = new DialError([REFUSED]).message;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Pauses are up to half as long again as they are meant to be. */
const WITH_JITTER = 1.5;

/** Tunnels to gateways that are up, or not, as a test says. */
class Gateways {
  readonly dialled: { connection: TLSSocket; portal: Portal }[] = [];
  readonly changes: (string | undefined)[] = [];
  readonly cutShort: { readonly gateway: Portal; readonly seconds: number }[] = [];
  /** Who answers; nobody: a dial fails. */
  up: Portal | undefined = FIRST;
  tries = 0;

  keep(count: number, told?: Trouble): WarmTunnels {
    return new WarmTunnels({
      count,
      told,
      gateways: [FIRST, SECOND],
      dial: () => this.#dial(),
      onChange: (trouble) => this.changes.push(trouble?.message),
      onCutShort: (gateway, seconds) => this.cutShort.push({ gateway, seconds }),
    });
  }

  get open(): DialledTunnel[] {
    return this.dialled.filter(({ connection }) => !connection.writableEnded && !connection.destroyed);
  }

  async #dial(): Promise<DialledTunnel> {
    this.tries++;
    if (this.up === undefined) throw new DialError([REFUSED]);
    const duplex = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const tunnel = { connection: duplex as unknown as TLSSocket, portal: this.up };
    this.dialled.push(tunnel);
    return tunnel;
  }
}

const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

/** The gateway ends a tunnel. */
async function end({ connection }: DialledTunnel): Promise<void> {
  connection.push(null);
  await pass(0);
}

test('so many are dialled, and another one for each that is taken', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(2);
  await pass(0);
  expect([warm.size, gateways.tries]).toEqual([2, 2]);
  expect(warm.take()).toMatchObject(gateways.dialled[1]!);
  expect(warm.size).toBe(1);
  await pass(0);
  expect([warm.size, gateways.tries]).toEqual([2, 3]);
});

test('none is dialled where none are wanted', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(0);
  await pass(MINUTE);
  expect(warm.take()).toBeUndefined();
  expect(gateways.tries).toBe(0);
});

test('what was taken is not looked after any more', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(1);
  await pass(0);
  const { connection } = warm.take()!;
  for (const event of ['end', 'error', 'close']) expect(connection.listenerCount(event)).toBe(0);
  await pass(10 * MINUTE);
  expect(connection.writableEnded).toBe(false);
});

test('one that the gateway ended is not given away, and is replaced after a pause', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(1);
  await pass(MINUTE);
  await end(gateways.dialled[0]!);
  expect(warm.take()).toBeUndefined();
  await pass(999);
  expect(gateways.tries).toBe(1);
  await pass(1000 * WITH_JITTER - 999);
  expect(warm.size).toBe(1);
  expect(gateways.changes).toEqual([]);
});

test('one that was steady, and ended before its time, is told of with how long it has waited', async () => {
  const gateways = new Gateways();
  gateways.keep(1);
  await pass(MINUTE);
  await end(gateways.dialled[0]!);
  expect(gateways.cutShort).toEqual([{ gateway: FIRST, seconds: 60 }]);
});

test('those that are taken, or taken back, are not told of', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(1);
  await pass(5 * MINUTE);
  await end(warm.take()!);
  await pass(0);
  warm.stop();
  expect(gateways.cutShort).toEqual([]);
});

test('the reason for trouble says how long a gateway has let a tunnel wait', async () => {
  const gateways = new Gateways();
  gateways.keep(1);
  await pass(15_000);
  await end(gateways.dialled[0]!);
  expect(gateways.changes).toEqual([expect.stringContaining('this one after 15 s')]);
  expect(gateways.cutShort).toEqual([]);
});

test('one that broke, or in which somebody speaks unasked, is none', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(1);
  await pass(0);
  gateways.dialled[0]!.connection.push('unasked');
  await pass(0);
  expect(warm.size).toBe(0);
  await pass(1000 * WITH_JITTER);
  gateways.dialled[1]!.connection.destroy(new Error('broken'));
  await pass(0);
  expect(warm.size).toBe(0);
});

test('while no gateway answers the pauses grow to a minute, and it is told once', async () => {
  const gateways = new Gateways();
  gateways.up = undefined;
  gateways.keep(16);
  await pass(10 * MINUTE);
  expect(gateways.tries).toBeGreaterThan(10);
  expect(gateways.tries).toBeLessThan(20);
  expect(gateways.changes).toEqual([NOBODY]);
});

test('a gateway that takes tunnels and closes them at once is as good as none', async () => {
  const gateways = new Gateways();
  gateways.keep(1);
  for (let second = 0; second < 600; second++) {
    await pass(1000);
    for (const tunnel of gateways.open) await end(tunnel);
  }
  expect(gateways.tries).toBeLessThan(20);
  expect(gateways.changes).toEqual([expect.stringContaining('closes tunnels that wait')]);
});

test('a gateway that closed a tunnel because it stops is told of as closing it, then as unreachable, once each', async () => {
  const gateways = new Gateways();
  gateways.keep(1);
  await pass(3000);
  gateways.up = undefined;
  await end(gateways.dialled[0]!);
  await pass(10 * MINUTE);
  expect(gateways.changes).toEqual([expect.stringContaining('this one after 3 s'), NOBODY]);
});

test('trouble of another kind than those before had is told', async () => {
  const gateways = new Gateways();
  gateways.up = undefined;
  gateways.keep(1, 'closed');
  await pass(0);
  expect(gateways.changes).toEqual([NOBODY]);
});

test('why a gateway may close a tunnel begins with what is likeliest', async () => {
  const gateways = new Gateways();
  gateways.keep(1);
  await pass(3000);
  await end(gateways.dialled[0]!);
  expect(gateways.changes).toEqual([
    expect.stringMatching(
      /the gateway has stopped, or does not take this stub's certificate, or its limits\.waiting,/,
    ),
  ]);
});

test('trouble is over when a tunnel has stood for a while', async () => {
  const gateways = new Gateways();
  gateways.up = undefined;
  const warm = gateways.keep(1);
  await pass(0);
  gateways.up = FIRST;
  await pass(1000 * WITH_JITTER);
  expect(warm.size).toBe(1);
  expect(gateways.changes).toEqual([NOBODY]);
  await pass(MINUTE);
  expect(gateways.changes).toEqual([NOBODY, undefined]);
});

test('trouble is over when a gateway has answered', async () => {
  const gateways = new Gateways();
  gateways.up = undefined;
  const warm = gateways.keep(1);
  await pass(0);
  warm.proven();
  warm.proven();
  expect(gateways.changes).toEqual([NOBODY, undefined]);
});

test('one grows old, and stays until its successor is there', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(1);
  await pass(0);
  gateways.up = undefined;
  await pass(5 * MINUTE);
  expect(gateways.open).toEqual([gateways.dialled[0]]);
  gateways.up = FIRST;
  await pass(MINUTE * WITH_JITTER);
  expect(gateways.open).toEqual([gateways.dialled[1]]);
  expect(warm.size).toBe(1);
});

test('none waits for four minutes', async () => {
  const gateways = new Gateways();
  gateways.keep(4);
  await pass(0);
  await pass(4 * MINUTE);
  for (const old of gateways.dialled.slice(0, 4)) expect(old.connection.writableEnded).toBe(true);
  expect(gateways.open).toHaveLength(4);
});

test('a minute after the first gateway is back, its tunnel has the place of one to the second', async () => {
  const gateways = new Gateways();
  gateways.up = SECOND;
  const warm = gateways.keep(1);
  await pass(0);
  gateways.up = FIRST;
  await pass(MINUTE);
  expect(warm.take()!.portal).toBe(FIRST);
});

test('one to the first gateway is given before one to the second, of equals the newest', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(2);
  await pass(0);
  await end(gateways.dialled[0]!);
  gateways.up = SECOND;
  await pass(1000 * WITH_JITTER);
  expect(gateways.open.map(({ portal }) => portal)).toEqual([FIRST, SECOND]);
  expect(warm.take()!.portal).toBe(FIRST);
});

test('all are given up for others at a word', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(2);
  await pass(0);
  warm.renew();
  await pass(0);
  expect(gateways.open).toEqual(gateways.dialled.slice(2));
  expect(warm.size).toBe(2);
});

test('who calls for others again and again gets them once', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(1);
  for (let times = 0; times < 5; times++) {
    await pass(0);
    warm.renew();
  }
  await pass(0);
  expect(gateways.tries).toBe(2);
});

test('trouble that those before had is not told anew, and its end is told', async () => {
  const gateways = new Gateways();
  gateways.up = undefined;
  gateways.keep(1, 'unreachable');
  await pass(0);
  expect(gateways.changes).toEqual([]);
  gateways.up = FIRST;
  await pass(2 * MINUTE);
  expect(gateways.changes).toEqual([undefined]);
});

test('all are given up at the end, also one whose dial is under way, and none is dialled any more', async () => {
  const gateways = new Gateways();
  const warm = gateways.keep(2);
  await pass(0);
  warm.take();
  warm.stop();
  await pass(10 * MINUTE);
  expect(gateways.open).toHaveLength(1); // the one that was taken
  expect(gateways.tries).toBe(3);
  expect(gateways.changes).toEqual([]);
});
