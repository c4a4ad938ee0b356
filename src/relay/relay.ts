import type { Recorder } from '../accounting/recorder.ts';
import type { TargetRecord } from '../discovery/sendTargets.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { Side } from '../iscsi/side.ts';
import type { NegotiatedParameters } from '../login/negotiation.ts';
import type { AuthenticatedLogin } from '../login/targetLogin.ts';
import type { Admission, Authorization } from '../policy/policy.ts';
import { Access, type AccessListeners } from './access.ts';
import { logoutRequested } from './answers.ts';
import { CommandGate } from './commandGate.ts';
import { Legs } from './legs.ts';
import { Requests } from './requests.ts';
import { ResponseFilter } from './responseFilter.ts';
import { Responses } from './responses.ts';
import { Substitutions, type CommandWindow } from './substitution.ts';
import { TextExchange } from './textExchange.ts';

export interface RelayOptions extends AccessListeners {
  /** The two proofs without which there is no relay: the initiator proved who it is, and policy lets it use this target. */
  readonly login: AuthenticatedLogin<Admission>;
  readonly authorization: Authorization;
  readonly parameters: NegotiatedParameters;
  /** Number of the next response to the initiator. */
  readonly statSN: number;
  /** Number that the target's next response is expected to carry. */
  readonly expStatSN: number;
  /** As the target's last Login Response told it. */
  readonly commandWindow: CommandWindow;
  /** The session's target as this initiator may see it. */
  readonly record: TargetRecord;
  /** Keeps account of what passes. Absent: nobody does. */
  readonly recorder?: Recorder;
  readonly toTarget: (view: Buffer) => void;
  readonly toInitiator: (view: Buffer) => void;
}

/**
 * Full feature phase of one session: walks both byte streams, patches the numbers of the two legs, and lets the chunks go on as
 * they came. Text is answered here. It knows no socket: chunks in, views out through `toTarget` and `toInitiator`.
 */
export class Relay {
  readonly #access: Access;
  readonly #recorder: Recorder | undefined;
  readonly #requests: Requests;
  readonly #responses: Responses;
  #hasRequestedLogout = false;
  /** What passed in each direction, in plain numbers that are read when metrics are scraped. */
  readonly traffic: Readonly<Record<Side, Readonly<{ pdus: number; bytes: number }>>>;

  constructor(options: RelayOptions) {
    const { login, authorization, parameters, commandWindow, record, recorder, toTarget, toInitiator } =
      options;
    this.#recorder = recorder;
    this.#access = new Access(login, authorization, {
      onNotable: options.onNotable,
      onDenied: (denied) => {
        recorder?.denied(denied.kind, denied.enforced);
        options.onDenied(denied);
      },
    });
    const { digests, maxRecvDataSegmentLength } = parameters;
    const legs = new Legs(options.statSN, options.expStatSN);
    const substitutions = new Substitutions();
    const filter = new ResponseFilter();
    const gate = new CommandGate(this.#access, substitutions, filter);
    const text = new TextExchange(record, substitutions, maxRecvDataSegmentLength, (keys) =>
      this.#access.noteDeniedText(keys),
    );
    const both = { digests, legs, gate, filter, substitutions, text, recorder };
    const responses = new Responses({ ...both, commandWindow, toInitiator });
    this.#requests = new Requests({ ...both, toTarget, answer: (answer) => responses.interject(answer) });
    this.#responses = responses;
    this.traffic = { initiator: this.#requests.traffic, target: responses.traffic };
  }

  /** SCSI commands so far. */
  get commands(): number {
    return this.#requests.commands;
  }

  /** The target has answered a logout: whoever closes now, the session ended in order. */
  get isLoggedOut(): boolean {
    return this.#responses.isLoggedOut;
  }

  /**
   * What another policy allows the session holds from its next request on; what is under way ends as it began.
   *
   * @throws TypeError for an authorization that is none, or not of this session's subject and target
   */
  changeAccess(authorization: Authorization): void {
    this.#access.change(authorization);
  }

  /**
   * Asks the initiator for a logout, once. Not to be called from what the relay itself calls.
   *
   * @param seconds within which it should come, 0 to 65535
   */
  requestLogout(seconds: number): void {
    if (this.#hasRequestedLogout) return;
    this.#responses.interject(logoutRequested(seconds));
    this.#hasRequestedLogout = true;
  }

  /** @throws ProtocolError: the session is over */
  fromInitiator(chunk: Buffer): void {
    this.#take('initiator', this.#requests, chunk);
  }

  /** @throws ProtocolError: the session is over */
  fromTarget(chunk: Buffer): void {
    this.#take('target', this.#responses, chunk);
  }

  #take(side: Side, stream: Requests | Responses, chunk: Buffer): void {
    this.#recorder?.beginChunk();
    try {
      stream.push(chunk);
    } catch (error) {
      if (isDigestError(error)) this.#recorder?.digestError(side);
      throw error;
    }
    this.#recorder?.endChunk();
  }
}

function isDigestError(error: unknown): boolean {
  return error instanceof ProtocolError && (error.code === 'header_digest' || error.code === 'data_digest');
}
