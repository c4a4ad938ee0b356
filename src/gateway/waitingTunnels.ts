import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { WARM_TUNNEL_SECONDS } from '../config/warmTunnelLife.ts';
import { Failure } from '../failures.ts';
import type { ChunkReader } from '../transport/chunkReader.ts';
import { closeAfterFlush } from '../transport/closeAfterFlush.ts';
import { checkWaiting, type InForce, type Origin } from './inForce.ts';

/** As many as are held against new credentials before other work has its turn: each costs signatures. */
const RECONSIDERED_AT_ONCE = 50;

/** The tunnels of this process that were dialled ahead and have not said a word. They have no clock of a login yet. */
export class WaitingTunnels {
  readonly #tunnels = new Set<WaitingTunnel>();
  #closedFor: Failure | undefined;

  /**
   * Resolves at the tunnel's first byte, which stays unread.
   *
   * @throws what ended the waiting
   */
  async firstWord(chunks: ChunkReader, origin: Origin, seconds: number): Promise<void> {
    const tunnel = new WaitingTunnel(chunks.socket, origin);
    this.#tunnels.add(tunnel);
    const timer = setTimeout(
      () =>
        tunnel.end(
          new Failure(
            'login_timeout',
            `no initiator came within ${seconds} s (limits.waitingSeconds); a stub keeps a tunnel for ${WARM_TUNNEL_SECONDS} s`,
          ),
        ),
      seconds * 1000,
    );
    if (this.#closedFor !== undefined) tunnel.end(this.#closedFor);
    try {
      const chunk = await chunks.next();
      if (tunnel.failure !== undefined) throw tunnel.failure;
      if (chunk === undefined) throw new Failure('peer_closed', 'the stub had no initiator for it');
      chunks.unread(chunk);
    } finally {
      clearTimeout(timer);
      this.#tunnels.delete(tunnel);
    }
  }

  /**
   * Ends whoever would not be taken now, or was taken by a listener whose own certificate is another one since: an initiator gets
   * no other tunnel than one that could be dialled now.
   */
  async reconsiderAll(inForce: InForce, before: InForce): Promise<void> {
    for (const [index, tunnel] of [...this.#tunnels].entries()) {
      if (index > 0 && index % RECONSIDERED_AT_ONCE === 0) await setImmediate();
      reconsider(tunnel, inForce, before);
    }
  }

  /** Looks again at those behind whom a certificate has ended. */
  reconsiderExpired(inForce: InForce, now: number): void {
    for (const tunnel of this.#tunnels) {
      if (inForce.endOfTrust(tunnel.origin) <= now) reconsider(tunnel, inForce, inForce);
    }
  }

  /** Ends all that wait, and whoever begins to. */
  close(failure: Failure): void {
    this.#closedFor = failure;
    for (const tunnel of this.#tunnels) tunnel.end(failure);
  }
}

class WaitingTunnel {
  readonly origin: Origin;
  readonly #socket: Duplex;
  /** Why it was ended here. */
  failure: Failure | undefined;

  constructor(socket: Duplex, origin: Origin) {
    this.#socket = socket;
    this.origin = origin;
  }

  end(failure: Failure): void {
    if (this.failure !== undefined) return;
    this.failure = failure;
    closeAfterFlush(this.#socket as Socket);
  }
}

function reconsider(tunnel: WaitingTunnel, inForce: InForce, before: InForce): void {
  try {
    checkWaiting(tunnel.origin, inForce, before);
  } catch (error) {
    tunnel.end(Failure.from(error));
  }
}
