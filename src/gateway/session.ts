import type { TLSSocket } from 'node:tls';
import type { TargetRecord } from '../discovery/sendTargets.ts';
import { Failure } from '../failures.ts';
import { Relay } from '../relay/relay.ts';
import { bridge } from '../transport/bridge.ts';
import type { LoginOutcome } from './loginExchange.ts';

export interface SessionEnd {
  readonly by: 'logout' | 'initiator' | 'target' | 'gateway';
  readonly failure?: Failure;
}

/** A session that is denied more than this is only counted: it could fill the log otherwise. */
const MAX_REPORTED_DENIALS = 20;

/** One Normal session in full feature phase: the relay between two sockets. */
export class Session {
  readonly id: number;
  readonly target: string;
  readonly relay: Relay;
  /** Which session a new login with the same names replaces (RFC 7143 §6.3.5). */
  readonly nexus: string;
  readonly #initiator: TLSSocket;
  readonly #outcome: Extract<LoginOutcome, { kind: 'Normal' }>;
  #endedBy: SessionEnd | undefined;
  #denials = 0;

  constructor(
    id: number,
    initiator: TLSSocket,
    outcome: Extract<LoginOutcome, { kind: 'Normal' }>,
    record: TargetRecord,
    onDenied: (what: string) => void,
  ) {
    const { login, authorization, leg, parameters, statSN } = outcome;
    this.id = id;
    this.target = authorization.target;
    this.nexus = [login.identity.initiatorName, login.opening.isid.toString('hex'), this.target].join(' ');
    this.#initiator = initiator;
    this.#outcome = outcome;
    this.relay = new Relay({
      login,
      authorization,
      parameters,
      statSN,
      expStatSN: leg.login.expStatSN,
      commandWindow: leg.login.commandWindow,
      record,
      onDenied: ({ what }) => {
        if (++this.#denials <= MAX_REPORTED_DENIALS) onDenied(what);
      },
      toTarget: (view) => void leg.socket.write(view),
      toInitiator: (view) => void initiator.write(view),
    });
  }

  /** Requests in full feature phase that were not granted. */
  get denials(): number {
    return this.#denials;
  }

  /**
   * Runs until both sockets are closed.
   *
   * @param unread what the initiator sent behind its last Login Request
   */
  run(unread: Buffer): Promise<SessionEnd> {
    const { leg } = this.#outcome;
    return new Promise((resolve) => {
      bridge(this.#initiator, leg.socket, {
        fromA: (chunk) => this.relay.fromInitiator(chunk),
        fromB: (chunk) => this.relay.fromTarget(chunk),
        first: { a: unread, b: leg.detach() },
        onEnd: ({ by, error }) => resolve(this.#endedBy ?? this.#describeEnd(by, error)),
      });
    });
  }

  /** Ends the session at once; the reason stands in its last log line. */
  end(failure: Failure): void {
    this.#endedBy ??= { by: 'gateway', failure };
    this.#outcome.leg.close();
    this.#initiator.destroy();
  }

  #describeEnd(by: 'a' | 'b', error: unknown): SessionEnd {
    // After a logout either side may be the first to close.
    if (this.relay.isLoggedOut) return { by: 'logout' };
    const side = by === 'a' ? 'initiator' : 'target';
    return error === undefined ? { by: side } : { by: side, failure: Failure.from(error) };
  }
}
