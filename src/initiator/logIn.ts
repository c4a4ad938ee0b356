import { Failure } from '../failures.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import type { TextKeys, TextPair } from '../iscsi/text.ts';
import type { InitiatorLogin, InitiatorLoginStep } from '../login/initiatorLogin.ts';
import {
  answerOffers,
  Negotiation,
  type NegotiatedParameters,
  type Preferences,
} from '../login/negotiation.ts';
import type { PduConnection } from '../transport/pduConnection.ts';

/** The target answered that it is elsewhere. */
export class Redirected extends Error {
  readonly address: TargetAddress;
  readonly isPermanent: boolean;

  constructor(address: TargetAddress, isPermanent: boolean) {
    super(`the target redirects to ${address.host}:${address.port}`);
    this.name = 'Redirected';
    this.address = address;
    this.isPermanent = isPermanent;
  }
}

/**
 * Takes a login through its security stage.
 *
 * @throws Redirected; Failure; ProtocolError; the socket's error
 */
export async function passSecurity(connection: PduConnection, login: InitiatorLogin): Promise<void> {
  await connection.write(login.start());
  await expectStep(connection, login, 'secured');
}

export type Negotiated = Extract<InitiatorLoginStep, { kind: 'negotiated' }>;

/** Sends one message of operational negotiation and waits for the target's answer. */
export async function negotiate(
  connection: PduConnection,
  login: InitiatorLogin,
  pairs: readonly TextPair[],
  transit: boolean,
): Promise<Negotiated> {
  await connection.write(login.negotiate(pairs, transit));
  return expectStep(connection, login, 'negotiated');
}

/** What a session of our own starts from. */
export interface LoggedIn {
  readonly parameters: NegotiatedParameters;
  readonly maxCmdSN: number;
}

const MAX_ROUNDS = 8;

/**
 * Negotiates as an end point until full feature phase.
 *
 * @param offers what we say first
 * @param preferences what we hold against the target's own offers
 */
export async function negotiateToFullFeature(
  connection: PduConnection,
  login: InitiatorLogin,
  offers: readonly TextPair[],
  preferences: Preferences,
): Promise<LoggedIn> {
  const negotiation = new Negotiation();
  let say: readonly TextPair[] = offers;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    negotiation.record('initiator', say);
    const { keys, transit, maxCmdSN } = await negotiate(connection, login, say, true);
    const open: TextKeys = new Map([...keys].filter(([key]) => !negotiation.isOpen('initiator', key)));
    negotiation.record('target', keys);
    if (transit) return { parameters: negotiation.parameters, maxCmdSN };
    say = answerOffers(open, preferences);
  }
  throw new Failure('backend_protocol', `the target does not end the negotiation after ${MAX_ROUNDS} rounds`);
}

async function expectStep<K extends InitiatorLoginStep['kind']>(
  connection: PduConnection,
  login: InitiatorLogin,
  kind: K,
): Promise<Extract<InitiatorLoginStep, { kind: K }>> {
  for (;;) {
    const pdu = await connection.next();
    if (pdu === undefined) throw new Failure('backend_down', 'the target closed the connection during login');
    const step = login.receive(pdu);
    if (step.kind === 'redirect') throw new Redirected(step.address, step.isPermanent);
    if (step.kind === kind) return step as Extract<InitiatorLoginStep, { kind: K }>;
    if (step.kind !== 'send')
      throw new Failure('backend_protocol', `the login is at "${step.kind}" too early`);
    await connection.write(step.request);
  }
}
