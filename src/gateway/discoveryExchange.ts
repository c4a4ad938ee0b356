import { DiscoverySession } from '../discovery/discoverySession.ts';
import type { TargetAddress } from '../iscsi/targetAddress.ts';
import type { PduConnection } from '../transport/pduConnection.ts';
import type { Directory, Discovered } from './directory.ts';
import type { LoginOutcome } from './loginExchange.ts';

/** A discovery session in full feature phase: it ends at the gateway, no array sees it. */
export class DiscoveryExchange {
  readonly #connection: PduConnection;
  readonly #outcome: Extract<LoginOutcome, { kind: 'Discovery' }>;
  readonly #directory: Directory;
  readonly #shown: TargetAddress;

  constructor(
    connection: PduConnection,
    outcome: Extract<LoginOutcome, { kind: 'Discovery' }>,
    directory: Directory,
    shown: TargetAddress,
  ) {
    this.#connection = connection;
    this.#outcome = outcome;
    this.#directory = directory;
    this.#shown = shown;
  }

  /**
   * Answers until the initiator logs out or leaves.
   *
   * @throws ProtocolError; the socket's error
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
        const discovered = await this.#directory.discover(
          login.admission,
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
