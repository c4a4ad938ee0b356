import type { Recorder } from '../../src/accounting/recorder.ts';
import type { TargetRecord } from '../../src/discovery/sendTargets.ts';
import type { PduFields, PduKind } from '../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, type Digests, type Pdu } from '../../src/iscsi/pdu.ts';
import { PduReader } from '../../src/iscsi/pduReader.ts';
import type { NegotiatedParameters } from '../../src/login/negotiation.ts';
import type { AccessRule } from '../../src/policy/rules.ts';
import type { Denied, Notable } from '../../src/relay/access.ts';
import { Relay } from '../../src/relay/relay.ts';
import type { CommandWindow } from '../../src/relay/substitution.ts';
import { authenticated, type Proofs } from './authenticated.ts';
import { DISK } from './initiatorRule.ts';

/** Numbers with which the two legs begin: far apart, so that no test passes by chance. */
export const STAT_SN = 1000;
export const TARGET_STAT_SN = 500;

export const COMMAND_WINDOW: CommandWindow = { expCmdSN: 30, maxCmdSN: 61 };

const RECORD: TargetRecord = {
  name: DISK,
  addresses: [{ host: '192.0.2.1', port: 3260, portalGroupTag: 1 }],
};

export interface RelayedOptions {
  readonly digests?: Digests;
  readonly statSN?: number;
  readonly expStatSN?: number;
  readonly commandWindow?: CommandWindow;
  readonly maxRecv?: { readonly initiator: number; readonly target: number };
  readonly proofs?: Proofs;
  readonly recorder?: Recorder;
  /** Parts of the access rule, if no proofs are given. */
  readonly access?: Partial<AccessRule>;
}

/** A relay of a session that was logged in, between an initiator and a target that only remember what reached them. */
export class Relayed {
  readonly relay: Relay;
  /** What the relay said it denied. */
  readonly denied: Denied[] = [];
  /** What it let pass and told of. */
  readonly notable: Notable[] = [];
  readonly #digests: Digests;
  readonly #views = { initiator: [] as Buffer[], target: [] as Buffer[] };

  constructor(options: RelayedOptions = {}) {
    this.#digests = options.digests ?? NO_DIGESTS;
    this.relay = new Relay({
      ...(options.proofs ?? authenticated(DISK, DISK, options.access)),
      parameters: parameters(this.#digests, options.maxRecv ?? { initiator: 262144, target: 8192 }),
      statSN: options.statSN ?? STAT_SN,
      expStatSN: options.expStatSN ?? TARGET_STAT_SN,
      commandWindow: options.commandWindow ?? COMMAND_WINDOW,
      record: RECORD,
      ...(options.recorder && { recorder: options.recorder }),
      toTarget: (view) => void this.#views.target.push(view),
      onNotable: (notable) => void this.notable.push(notable),
      onDenied: (denied) => void this.denied.push(denied),
      toInitiator: (view) => void this.#views.initiator.push(view),
    });
  }

  /** The initiator sends a PDU. */
  request<K extends PduKind>(kind: K, fields: Partial<PduFields<K>>, data?: Buffer): void {
    this.relay.fromInitiator(encodePdu(kind, fields, data, this.#digests));
  }

  /** The target sends a PDU. */
  respond<K extends PduKind>(kind: K, fields: Partial<PduFields<K>>, data?: Buffer): void {
    this.relay.fromTarget(encodePdu(kind, fields, data, this.#digests));
  }

  /** Bytes that have reached a side since it was last looked at. */
  bytesAt(side: 'initiator' | 'target'): Buffer {
    return Buffer.concat(this.#views[side].splice(0));
  }

  /** The PDUs in those bytes; their digests must be right. */
  at(side: 'initiator' | 'target'): Pdu[] {
    const limits = { maxAhsLength: 1020, maxDataSegmentLength: 1 << 24 };
    const reader = new PduReader(limits);
    reader.configure({ digests: this.#digests, limits });
    reader.push(this.bytesAt(side));
    const pdus: Pdu[] = [];
    for (let pdu = reader.next(); pdu !== undefined; pdu = reader.next()) pdus.push(pdu);
    if (reader.buffered > 0) throw new Error(`${reader.buffered} bytes at the ${side} are no PDU`);
    return pdus;
  }
}

function parameters(
  digests: Digests,
  maxRecvDataSegmentLength: { readonly initiator: number; readonly target: number },
): NegotiatedParameters {
  return {
    digests,
    maxRecvDataSegmentLength,
    initialR2T: true,
    immediateData: true,
    maxBurstLength: 262144,
    firstBurstLength: 65536,
    maxOutstandingR2T: 1,
  };
}
