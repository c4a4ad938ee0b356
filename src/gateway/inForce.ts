import type { GatewayConfig, GatewayListener } from '../config/gatewayConfig.ts';
import { Failure } from '../failures.ts';
import { randomIsid } from '../initiator/isid.ts';
import { formatPortal } from '../iscsi/targetAddress.ts';
import type { Challenges } from '../login/challenges.ts';
import { Policy, type Admission, type Authorization } from '../policy/policy.ts';
import type { GatewayCredentials } from '../tls/credentials.ts';
import type { PeerChain } from '../tls/peerChain.ts';
import { checkStanding } from '../tls/standing.ts';
import { Backend } from './backend.ts';
import { Directory } from './directory.ts';

/** One reading of the configuration and of the files that it names, all of it found good. */
export interface Settings {
  readonly config: GatewayConfig;
  /** One for each listener of the configuration, in its order. */
  readonly credentials: readonly GatewayCredentials[];
}

/** Where and with what a tunnel came in. */
export interface Origin {
  /** The listener, by listenerKey. */
  readonly listener: string;
  readonly chain: PeerChain;
  /** When the first certificate of the chain ends, milliseconds since 1970. */
  readonly notAfter: number;
}

/** Every listener with its credentials, by listenerKey. */
export type Listeners = ReadonlyMap<
  string,
  { readonly listener: GatewayListener; readonly credentials: GatewayCredentials }
>;

/** What holds now, with all that is made of it. A reload replaces it as a whole; connections begin and log in under one. */
export class InForce {
  readonly config: GatewayConfig;
  readonly policy: Policy;
  readonly directory: Directory;
  readonly backends: readonly Backend[];
  /** Every listener with its credentials, by listenerKey. */
  readonly listeners: Listeners;

  /** @param before what this takes the place of */
  constructor(settings: Settings, challenges: Challenges, before?: InForce) {
    const { config } = settings;
    this.config = config;
    this.listeners = listenersOf(settings);
    this.policy = new Policy(config.initiators);
    this.backends = config.backends.map((backend) => new Backend(backend, challenges));
    for (const backend of this.backends) {
      const same = before?.backends.find(({ name }) => name === backend.name);
      if (same !== undefined) backend.inherit(same);
    }
    this.directory = new Directory({
      backends: this.backends,
      policy: this.policy,
      timeoutMs: config.limits.discoverySeconds * 1000,
      newIsid: randomIsid,
    });
  }

  get loginTimeoutMs(): number {
    return this.config.limits.loginSeconds * 1000;
  }

  /**
   * Would a login or a discovery session that was admitted be admitted now?
   *
   * @throws the Failure with which it would be refused
   */
  readmit(admission: Admission, origin: Origin): Admission {
    this.checkOrigin(origin);
    return this.policy.readmit(admission);
  }

  /**
   * The same for a login that is under way, which must not go on with a secret that holds no more.
   *
   * @throws the Failure with which it is refused
   */
  confirm(admission: Admission, origin: Origin): void {
    const { chap } = this.readmit(admission, origin).rule;
    const secret = admission.rule.chap?.secret.reveal();
    if (chap === undefined || secret === undefined || Buffer.compare(chap.secret.reveal(), secret) === 0)
      return;
    throw new Failure('chap', 'the secret was changed while this login was under way');
  }

  /**
   * The same for a Normal session, and what it may do now.
   *
   * @param backend the name of the array that it is on
   * @throws the Failure with which it would be refused
   */
  reconsider(authorization: Authorization, backend: string, origin: Origin): Authorization {
    this.checkOrigin(origin);
    const now = this.policy.reconsider(authorization);
    if (!this.directory.mayCarry(backend, authorization.target)) {
      throw new Failure(
        'target_not_found',
        `backend ${backend} does not carry ${authorization.target} any more`,
      );
    }
    return now;
  }

  /** When a certificate that stands behind a peer of this listener ends, the peer's own or an authority's. */
  endOfTrust({ listener, notAfter }: Origin): number {
    const authorities = this.listeners.get(listener)?.credentials.authorities ?? [];
    return Math.min(notAfter, ...authorities.map(({ validTo }) => Date.parse(validTo)));
  }

  /** @throws the Failure with which a handshake would now be refused */
  checkOrigin({ listener, chain }: Origin): void {
    const credentials = this.listeners.get(listener)?.credentials;
    if (credentials === undefined) {
      throw new Failure('shutting_down', `the listener ${listener} is not in the configuration any more`);
    }
    checkStanding(chain, credentials, Date.now());
  }
}

/**
 * A tunnel that waits gets its initiator no further than one that is dialled now. So it ends where a handshake might be refused
 * that `checkOrigin` lets pass for the sake of sessions, and where the listener has another certificate of its own since.
 *
 * @param before what held when the tunnel came
 * @throws the Failure with which it is to end
 */
export function checkWaiting(origin: Origin, inForce: InForce, before: InForce): void {
  inForce.checkOrigin(origin);
  const { cert, crlNextUpdate = Infinity, shutOut } = inForce.listeners.get(origin.listener)!.credentials;
  const former = before.listeners.get(origin.listener)?.credentials.cert;
  if (former !== undefined && Buffer.compare(cert, former) !== 0) {
    throw new Failure('shutting_down', "the gateway's certificate was renewed");
  }
  if (crlNextUpdate <= Date.now() || shutOut.length > 0) {
    throw new Failure('bad_cert', 'a CRL is missing or out of date: nobody waits until there is a newer one');
  }
}

export function listenersOf({ config, credentials }: Settings): Listeners {
  return new Map(
    config.listen.map((listener, index) => [
      listenerKey(config, index),
      { listener, credentials: credentials[index]! },
    ]),
  );
}

/** The address, and for listeners of one address, which have port 0, the how-manieth. */
export function listenerKey({ listen }: GatewayConfig, index: number): string {
  const address = formatPortal(listen[index]!.address);
  const earlier = listen.slice(0, index).filter((other) => formatPortal(other.address) === address).length;
  return earlier === 0 ? address : `${address} #${earlier + 1}`;
}
