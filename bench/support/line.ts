import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Resources } from '../../test/interop/support/resources.ts';
import type { DelayRelayOptions } from '../processes/delayRelay.ts';
import { Program } from './program.ts';

export type LineOptions = Omit<DelayRelayOptions, 'to'>;

/** A relay that stands for a long line. */
export async function startLine(
  opened: Resources,
  options: DelayRelayOptions,
): Promise<{ address: string; program: Program }> {
  const program = Program.script(opened, 'delayRelay', options);
  return {
    address: await program.find((line) => /^listening (.*)/.exec(line)?.[1], 'port of the line'),
    program,
  };
}

const CHUNK = Buffer.alloc(256 * 1024);
const SECONDS = 2;
const UNLIMITED = 1e6;

/** What the relay carries one way when only its own work holds it back: the figures of a line that is as fast say nothing. @returns bytes a second */
export async function lineCapacity(opened: Resources, line: LineOptions): Promise<number> {
  const sockets: Socket[] = [];
  let received = 0;
  const sink = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
  });
  sink.listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const { port } = sink.address() as AddressInfo;
  const options = { ...line, megabitsPerSecond: UNLIMITED, windowBytes: 2 ** 30, to: `127.0.0.1:${port}` };
  const { address, program } = await startLine(opened, options);
  const source = connect(Number(new URL(`tcp://${address}`).port), '127.0.0.1');
  sockets.push(source);
  const fill = (): void => {
    while (source.write(CHUNK));
  };
  source.on('drain', fill);
  await once(source, 'connect');
  fill();
  await setTimeout(5 * line.roundTripMs);
  const before = received;
  const since = performance.now();
  await setTimeout(SECONDS * 1000);
  const rate = (received - before) / ((performance.now() - since) / 1000);
  source.off('drain', fill);
  for (const socket of sockets) socket.destroy();
  sink.close();
  await program.stop();
  return rate;
}
