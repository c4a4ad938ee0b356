import { EventLoopDelay } from '../../telemetry/eventLoopDelay.ts';
import { unpackStubCredentials } from '../../tls/packedCredentials.ts';
import { Channel, type Handlers } from '../../workers/channel.ts';
import type { Link } from '../../workers/link.ts';
import { ownProcessFigures } from '../../telemetry/workerFigures.ts';
import { TakenConnections } from '../../workers/takenConnections.ts';
import { Stub, type StubSettings } from '../stub.ts';
import { packEvent, toControl, toWorker, type PackedStubSettings } from './protocol.ts';

/**
 * A stub's worker: carries the connections that control hands it, and tells control what happens.
 *
 * @param onBroken nothing that control says can be relied on any more
 */
export function serveStub(link: Link, onBroken: (error: Error) => void): void {
  const delay = new EventLoopDelay();
  let stub: Stub | undefined;
  link.onClose(() => {
    delay.stop();
    void stub?.stop();
  });
  const running = (): Stub => {
    if (stub === undefined) throw new Error('control has not said yet what holds');
    return stub;
  };
  const handlers: Handlers<typeof toWorker> = {
    start: ({ settings }) => {
      stub = new Stub({ ...unpack(settings), observe: (event) => channel.tell('event', packEvent(event)) });
      stub.warmUp();
    },
    take: ({ connection }, socket) =>
      connections.take(connection, socket, (socket) => running().take(socket)),
    drop: ({ connection }) => connections.drop(connection),
    use: ({ settings }) => running().use(unpack(settings)),
    figures: () => ({
      tunnels: stub?.tunnels ?? 0,
      warm: stub?.warm ?? 0,
      process: ownProcessFigures(delay.p99Seconds),
    }),
    stop: async () => stub?.stop(),
  };
  const connections = new TakenConnections((connection) => channel.tell('ended', { connection }));
  const channel = new Channel(link, { asks: toControl, answers: toWorker, handlers, onBroken });
}

function unpack({ config, credentials }: PackedStubSettings): StubSettings {
  return { config, credentials: unpackStubCredentials(credentials) };
}
