import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { untilAnswered } from '../../../src/stub/untilAnswered.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** One end of a socket, and what was written to it. */
function end(): { socket: Socket; written: () => string } {
  let written = '';
  const duplex = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      written += chunk.toString();
      done();
    },
  });
  return { socket: duplex as unknown as Socket, written: () => written };
}

function exchange() {
  const initiator = end();
  const tunnel = end();
  const outcome: unknown[] = [];
  untilAnswered(initiator.socket, tunnel.socket, {
    say: (chunk) => void tunnel.socket.write(chunk),
    onJoined: (answer) => outcome.push(`joined ${String(answer)}`),
    onClosed: (said) => outcome.push(`closed ${String(said)}`),
    onEnd: (hasSpoken) => outcome.push(`end ${hasSpoken}`),
  });
  return { initiator, tunnel, outcome };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what the initiator says goes on at once, and the first answer is handed over', async () => {
  const { initiator, tunnel, outcome } = exchange();
  initiator.socket.push('one ');
  initiator.socket.push('two');
  await settled();
  expect(tunnel.written()).toBe('one two');
  tunnel.socket.push('answer');
  await settled();
  expect(outcome).toEqual(['joined answer']);
});

test.each([
  ['ends', (socket: Socket) => void socket.push(null)],
  ['breaks', (socket: Socket) => void socket.destroy()],
])('a tunnel that %s unanswered gives back what was said, and the initiator waits', async (_, close) => {
  const { initiator, tunnel, outcome } = exchange();
  initiator.socket.push('one ');
  initiator.socket.push('two');
  await settled();
  close(tunnel.socket);
  await settled();
  expect(outcome).toEqual(['closed one two']);
  expect(initiator.socket.isPaused()).toBe(true);
});

test('a tunnel that ends later was ended by a gateway that had heard', async () => {
  const { initiator, tunnel, outcome } = exchange();
  initiator.socket.push('one');
  await settled();
  vi.advanceTimersByTime(5000);
  tunnel.socket.push(null);
  await settled();
  expect(outcome).toEqual(['end true']);
});

test('who says more than a login takes is not held back, and none of it is said again', async () => {
  const { initiator, tunnel, outcome } = exchange();
  initiator.socket.push('x'.repeat(65536));
  await settled();
  expect(outcome).toEqual([]);
  initiator.socket.push('y');
  await settled();
  expect(outcome).toEqual(['joined ']);
  expect(tunnel.written()).toHaveLength(65537);
});

test.each([
  ['had said something', 'one', 'end true'],
  ['had said nothing', '', 'end false'],
])('an initiator that goes is told of, and that it %s', async (_, said, told) => {
  const { initiator, outcome } = exchange();
  initiator.socket.push(said);
  await settled();
  initiator.socket.push(null);
  await settled();
  expect(outcome).toEqual([told]);
});

test('nothing is heard any more once it is over', async () => {
  const { initiator, tunnel, outcome } = exchange();
  tunnel.socket.push('answer');
  await settled();
  for (const { socket } of [initiator, tunnel]) {
    for (const event of ['data', 'end']) expect(socket.listenerCount(event)).toBe(0);
    socket.destroy();
  }
  await settled();
  expect(outcome).toHaveLength(1);
});
