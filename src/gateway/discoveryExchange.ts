import { DiscoverySession } from '../discovery/discoverySession.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import type { PduConnection } from '../transport/pduConnection.ts';
import type { Admission } from '../policy/policy.ts';
import type { Directory, Discovered } from './directory.ts';
import type { LoginOutcome } from './loginExchange.ts';

/** What holds at the moment of a question. */
export interface Admitted {
  readonly admission: Admission;
  readonly directory: Directory;
}

/** A discovery session in full feature phase: it ends at the gateway, no array sees it. */
export class DiscoveryExchange {
  readonly #connection: PduConnection;
  readonly #outcome: Extract<LoginOutcome, { kind: 'Discovery' }>;
  readonly #admitted: () => Admitted;
  readonly #shown: TargetAddress;

  /** @param admitted asked for each SendTargets; throws a Failure for an initiator that is not let in any more */
  constructor(
    connection: PduConnection,
    outcome: Extract<LoginOutcome, { kind: 'Discovery' }>,
    admitted: () => Admitted,
    shown: TargetAddress,
  ) {
    this.#connection = connection;
    this.#outcome = outcome;
    this.#admitted = admitted;
    this.#shown = shown;
  }

  /**
   * Answers until the initiator logs out or leaves.
   *
   * @throws ProtocolError; the socket's error; the Failure of `admitted`
   */
  async run(onDiscovered: (discovered: Discovered) => void): Promise<void> {
    const { login, statSN, parameters } = this.#outcome;
    const session = new DiscoverySession({
      statSN,
      cmdSN: login.opening.cmdSN,
      maxDataSegmentLength: parameters.maxRecvDataSegmentLength.initiator,
    });
    for (;;) {
      const pdu = await this.#connection.next();
      if (pdu === undefined) return;
      const step = session.receive(pdu);
      if (step.kind === 'sendTargets') {
        const { admission, directory } = this.#admitted();
        const discovered = await directory.discover(
          admission,
          login.identity.initiatorNameAsSent,
          this.#shown,
          step.name,
        );
        onDiscovered(discovered);
        await this.#connection.write(session.answer(discovered.records));
      } else if (step.kind !== 'nothing') {
        await this.#connection.write(step.response);
        if (step.kind === 'logout') return;
      }
    }
  }
}
