import type { TLSSocket } from 'node:tls';
import type { Ledger } from '../accounting/ledger.ts';
import type { Recorder } from '../accounting/recorder.ts';
import type { TargetRecord } from '../discovery/sendTargets.ts';
import { Failure } from '../failures.ts';
import { formatPortal } from '../iscsi/targetAddress.ts';
import { describeRule } from '../policy/rules.ts';
import type { Authorization } from '../policy/policy.ts';
import { Relay } from '../relay/relay.ts';
import type { Peer } from '../telemetry/events.ts';
import type { SessionSummary } from '../telemetry/sessionSummary.ts';
import { bridge } from '../transport/bridge.ts';
import { Outflow } from '../transport/outflow.ts';
import type { Entrance } from './guards.ts';
import type { InForce, Origin } from './inForce.ts';
import type { LoginOutcome } from './loginExchange.ts';
import { RequestReport, type RequestObservers } from './requestReport.ts';

export interface SessionEnd {
  readonly by: 'logout' | 'initiator' | 'target' | 'gateway';
  readonly failure?: Failure;
}

export interface SessionOptions extends RequestObservers {
  readonly id: number;
  readonly peer: Peer;
  readonly origin: Origin;
  readonly initiator: TLSSocket;
  readonly outcome: Extract<LoginOutcome, { kind: 'Normal' }>;
  /** The target as this initiator may see it. */
  readonly record: TargetRecord;
  readonly ledger: Ledger;
}

/** The bridge's ends. */
const SIDES = { a: 'initiator', b: 'target' } as const;

/** One Normal session in full feature phase: the relay between two sockets, under an authorization that a reload may change. */
export class Session {
  readonly id: number;
  readonly relay: Relay;
  readonly #since = new Date();
  readonly #options: SessionOptions;
  readonly #recorder: Recorder;
  readonly #toInitiator: Outflow;
  readonly #toTarget: Outflow;
  #authorization: Authorization;
  #endedBy: SessionEnd | undefined;
  #dismissal: NodeJS.Timeout | undefined;
  readonly #report: RequestReport;

  constructor(options: SessionOptions) {
    const { id, initiator, outcome, record, ledger } = options;
    const { login, authorization, leg, parameters, statSN } = outcome;
    this.id = id;
    this.#options = options;
    this.#authorization = authorization;
    const { admission, target } = authorization;
    this.#recorder = ledger.open({ initiator: admission.rule.id, target });
    this.#report = new RequestReport(options);
    this.#toInitiator = new Outflow(initiator);
    this.#toTarget = new Outflow(leg.socket);
    this.relay = new Relay({
      login,
      authorization,
      parameters,
      statSN,
      expStatSN: leg.login.expStatSN,
      commandWindow: leg.login.commandWindow,
      record,
      recorder: this.#recorder,
      onNotable: this.#report.onNotable,
      onDenied: this.#report.onDenied,
      toTarget: (view) => this.#toTarget.write(view),
      toInitiator: (view) => this.#toInitiator.write(view),
    });
  }

  /** Denials and commands of note that nobody was told of. */
  get suppressed(): number {
    return this.#report.suppressed;
  }

  get backend(): string {
    return this.#options.outcome.backend.name;
  }

  get initiator(): string {
    return this.#authorization.admission.subject.initiatorName;
  }

  /** As an operator is told of it. */
  get summary(): SessionSummary {
    const { peer, outcome } = this.#options;
    const { admission, target, access } = this.#authorization;
    return {
      id: this.id,
      initiator: this.initiator,
      rule: describeRule(admission.rule, access),
      certificate: peer.certificate!,
      sha256: admission.subject.certificate.sha256,
      serial: admission.subject.certificate.serial,
      address: peer.address,
      target,
      backend: this.backend,
      portal: formatPortal(outcome.leg.portal),
      since: this.#since.toISOString(),
      commands: this.relay.commands,
      denials: this.#report.denials,
      fromInitiator: { ...this.relay.traffic.initiator },
      fromTarget: { ...this.relay.traffic.target },
    };
  }

  /** Takes the place of one that it replaces, which has then ended (RFC 7143 §6.3.5); from here on it may be ended from elsewhere. */
  async begin(entrance: Entrance): Promise<void> {
    try {
      const { target } = this.#authorization;
      const ending = await entrance.begin({ peer: this.#options.peer, target });
      const end = (): void => this.end(Failure.from(ending.reason));
      if (ending.aborted) end();
      else ending.addEventListener('abort', end, { once: true });
    } catch (error) {
      this.end(Failure.from(error));
    }
  }

  /**
   * Runs until both sockets are closed.
   *
   * @param unread what the initiator sent behind its last Login Request
   */
  async run(unread: Buffer): Promise<SessionEnd> {
    const { leg } = this.#options.outcome;
    const end = await new Promise<SessionEnd>((resolve) => {
      bridge(this.#toInitiator, this.#toTarget, {
        fromA: (chunk) => this.relay.fromInitiator(chunk),
        fromB: (chunk) => this.relay.fromTarget(chunk),
        first: { a: unread, b: leg.detach() },
        onPause: (side) => this.#recorder.pause(SIDES[side]),
        onResume: (side) => this.#recorder.resume(SIDES[side]),
        onEnd: ({ by, error }) => resolve(this.#describeEnd(by, error)),
      });
    });
    clearTimeout(this.#dismissal);
    this.#recorder.close();
    return end;
  }

  /**
   * Goes by what holds now: from its next command on, or not much longer.
   *
   * @param graceMs how long an initiator that is not admitted any more has to log out
   * @returns false if the session ends
   */
  reconsider(inForce: InForce, graceMs: number): boolean {
    const { origin, outcome } = this.#options;
    try {
      const authorization = inForce.reconsider(this.#authorization, outcome.backend.name, origin);
      this.relay.changeAccess(authorization);
      this.#report.accessChanged();
      this.#authorization = authorization;
      return true;
    } catch (error) {
      this.dismiss(Failure.from(error), graceMs);
      return false;
    }
  }

  /** True from the moment that a certificate behind this session ends. */
  isExpired(inForce: InForce, now: number): boolean {
    return inForce.endOfTrust(this.#options.origin) < now;
  }

  /** Asks the initiator to log out, and ends the session if it has not within the time. */
  dismiss(failure: Failure, graceMs: number): void {
    if (this.#endedBy !== undefined) return;
    if (graceMs === 0) return this.end(failure);
    this.#endedBy = { by: 'gateway', failure };
    this.relay.requestLogout(Math.ceil(graceMs / 1000));
    this.#dismissal = setTimeout(() => this.#close(), graceMs);
  }

  /** Ends the session at once; the reason stands in its last log line. */
  end(failure: Failure): void {
    this.#endedBy ??= { by: 'gateway', failure };
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#dismissal);
    this.#options.outcome.leg.close();
    this.#options.initiator.destroy();
  }

  #describeEnd(by: 'a' | 'b', error: unknown): SessionEnd {
    // After a logout either side may be the first to close; one that was asked for has its reason still.
    if (this.relay.isLoggedOut) return { ...this.#endedBy, by: 'logout' };
    if (this.#endedBy !== undefined) return this.#endedBy;
    const side = SIDES[by];
    return error === undefined ? { by: side } : { by: side, failure: Failure.from(error) };
  }
}
