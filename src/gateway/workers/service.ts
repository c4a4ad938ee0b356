import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { Challenges } from '../../login/challenges.ts';
import { EventLoopDelay } from '../../telemetry/eventLoopDelay.ts';
import { unpackGatewayConfig } from '../../config/packedConfig.ts';
import { unpackGatewayCredentials } from '../../tls/packedCredentials.ts';
import type { Observer } from '../../telemetry/events.ts';
import { Channel, type Handlers } from '../../workers/channel.ts';
import type { Link } from '../../workers/link.ts';
import { monotonicNow } from '../../workers/monotonicNow.ts';
import { ownProcessFigures } from '../../telemetry/workerFigures.ts';
import { TakenConnections } from '../../workers/takenConnections.ts';
import { DataPlane } from '../dataPlane.ts';
import type { Settings } from '../inForce.ts';
import type { Accepted, Prepared } from '../plane.ts';
import { packEvent, type WorkerEvent } from './eventSchema.ts';
import { toControl, toWorker, type PackedGatewaySettings } from './protocol.ts';
import { RemoteGuards } from './remoteGuards.ts';

/** Control answers at once; one that does not has no place to give. */
const WAIT_MS = 5_000;

/**
 * A gateway's worker: carries the connections that control hands it, and tells control what happens.
 *
 * @param onBroken nothing that control says can be relied on any more
 */
export function serveGateway(link: Link, onBroken: (error: Error) => void): void {
  const delay = new EventLoopDelay();
  link.onClose(() => delay.stop());
  let plane: DataPlane | undefined;
  let prepared: Prepared | undefined;
  const running = (): DataPlane => {
    if (plane === undefined) throw new Error('control has not said yet what holds');
    return plane;
  };
  const observe: Observer = (event) => channel.tell('event', packEvent(event as WorkerEvent));
  const handlers: Handlers<typeof toWorker> = {
    start: async ({ settings, challengeKey }) => {
      const challenges = new Challenges(randomBytes, challengeKey);
      plane = new DataPlane({ settings: unpack(settings), challenges, guards, observe });
      await plane.start();
    },
    take: ({ connection, ...accepted }, socket) =>
      connections.take(connection, socket, (socket) => serve(connection, accepted, socket)),
    drop: ({ connection }) => connections.drop(connection),
    prepare: async ({ settings }) => {
      prepared = await running().prepare(unpack(settings));
    },
    commit: () => {
      const next = prepared;
      prepared = undefined;
      if (next === undefined) throw new Error('nothing is prepared');
      return next.commit();
    },
    cancel: () => {
      prepared = undefined;
    },
    figures: async () => {
      const { sessions, traffic, ledger, backends } = await running().figures();
      const process = ownProcessFigures(delay.p99Seconds);
      return { sessions, traffic, ledger, backends, process };
    },
    end: ({ entrance, failure }) => guards.end(entrance, failure),
    dismissAll: ({ failure, graceMs }) => running().dismissAll(failure, graceMs),
    stop: async ({ failure }) => plane?.stop(failure),
  };
  const serve = (connection: number, { listener, address, at }: Arriving, socket: Socket): void => {
    try {
      running().take(socket, {
        listener,
        address,
        at: performance.now() - (monotonicNow() - at),
        leave: () => channel.tell('leftPlace', { connection }),
        wait: (sha256) => channel.ask('wait', { connection, sha256 }, WAIT_MS).catch(() => false),
      });
    } catch {
      socket.destroy(); // its listener has just gone out of the configuration
    }
  };
  const connections = new TakenConnections((connection) => channel.tell('ended', { connection }));
  const channel = new Channel(link, { asks: toControl, answers: toWorker, handlers, onBroken });
  const guards = new RemoteGuards(channel);
}

type Arriving = Pick<Accepted, 'listener' | 'address' | 'at'>;

function unpack({ config, credentials }: PackedGatewaySettings): Settings {
  return { config: unpackGatewayConfig(config), credentials: credentials.map(unpackGatewayCredentials) };
}
