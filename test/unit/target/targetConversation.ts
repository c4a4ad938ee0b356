import { RESERVED_TAG, opcodeAt } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, layouts, type PduFields, type PduKind } from '../../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, parseWirePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import type { NegotiatedParameters } from '../../../src/login/negotiation.ts';
import type { BackingStore } from '../../../src/target/backingStore.ts';
import { DiskTarget } from '../../../src/target/diskTarget.ts';
import { LogicalUnit } from '../../../src/target/logicalUnit.ts';
import { MemoryStore } from '../../../src/target/memoryStore.ts';
import { TargetSession } from '../../../src/target/targetSession.ts';
import { PORT_A } from './disk.ts';

export const PARAMETERS: NegotiatedParameters = {
  digests: NO_DIGESTS,
  maxRecvDataSegmentLength: { initiator: 8192, target: 262144 },
  initialR2T: false,
  immediateData: true,
  maxBurstLength: 16384,
  firstBurstLength: 4096,
  maxOutstandingR2T: 1,
};

export const FIRST_CMD_SN = 100;
export const FIRST_STAT_SN = 1000;

export interface SentPdu {
  readonly kind: PduKind;
  /** Every field of every PDU that a target sends. */
  readonly fields: PduFields<'dataIn'> &
    PduFields<'scsiResponse'> &
    PduFields<'r2t'> &
    PduFields<'reject'> &
    PduFields<'logoutResponse'>;
  readonly data: Buffer;
}

export interface ConversationOptions {
  readonly parameters?: Partial<NegotiatedParameters>;
  readonly store?: BackingStore;
  readonly target?: DiskTarget;
  readonly initiatorPort?: string;
  /** What `send` resolves with: how the initiator reads. */
  readonly taken?: () => Promise<void>;
}

export function diskTarget(store: BackingStore = new MemoryStore(64 * 1024 * 1024)): DiskTarget {
  return new DiskTarget('iqn.2026-01.org.example:disk', [new LogicalUnit({ lun: 0, store, serial: 'test' })]);
}

/** A session of a target with one disk, LUN 0, and the initiator's half of the conversation with it. */
export class Conversation {
  readonly target: DiskTarget;
  readonly session: TargetSession;
  readonly sent: SentPdu[] = [];
  isEnded = false;
  nextCmdSN = FIRST_CMD_SN;
  #nextTag = 1;
  #onSent: (() => void)[] = [];

  constructor({ parameters, store, target, initiatorPort, taken }: ConversationOptions = {}) {
    this.target = target ?? diskTarget(store);
    this.session = new TargetSession({
      target: this.target,
      initiatorPort: initiatorPort ?? PORT_A,
      parameters: { ...PARAMETERS, ...parameters },
      statSN: FIRST_STAT_SN,
      cmdSN: FIRST_CMD_SN,
      address: { host: '127.0.0.1', port: 3260, portalGroupTag: 1 },
      send: (wire) => {
        this.sent.push(readSent(wire));
        for (const wake of this.#onSent.splice(0)) wake();
        return taken?.() ?? Promise.resolve();
      },
      end: () => void (this.isEnded = true),
    });
  }

  /** Takes a tag for a request. */
  tag(): number {
    return this.#nextTag++;
  }

  receive<K extends PduKind>(kind: K, fields: Partial<PduFields<K>>, data?: Uint8Array): Promise<boolean> {
    return this.session.receive(pdu(kind, fields, data));
  }

  /** Sends a SCSI Command with the next number unless told, and gives its tag. */
  async command(
    cdb: Buffer,
    fields: Partial<PduFields<'scsiCommand'>> = {},
    immediateData?: Buffer,
  ): Promise<number> {
    const initiatorTaskTag = fields.initiatorTaskTag ?? this.tag();
    const cmdSN = fields.cmdSN ?? (fields.immediate === true ? this.nextCmdSN : this.nextCmdSN++);
    const padded = Buffer.alloc(16);
    cdb.copy(padded);
    const command = { final: true, attributes: 1, ...fields, initiatorTaskTag, cmdSN, cdb: padded };
    await this.receive('scsiCommand', command, immediateData);
    return initiatorTaskTag;
  }

  read(lba: number, blocks: number, fields: Partial<PduFields<'scsiCommand'>> = {}): Promise<number> {
    const expected = { read: true, expectedDataTransferLength: blocks * 512 };
    return this.command(cdb10(0x28, lba, blocks), { ...expected, ...fields });
  }

  write(
    lba: number,
    blocks: number,
    fields: Partial<PduFields<'scsiCommand'>> = {},
    immediateData?: Buffer,
  ): Promise<number> {
    const expected = { write: true, expectedDataTransferLength: blocks * 512 };
    return this.command(cdb10(0x2a, lba, blocks), { ...expected, ...fields }, immediateData);
  }

  dataOut(
    initiatorTaskTag: number,
    data: Uint8Array,
    fields: Partial<PduFields<'dataOut'>> = {},
  ): Promise<boolean> {
    const asked = { final: true, targetTransferTag: RESERVED_TAG };
    return this.receive('dataOut', { ...asked, ...fields, initiatorTaskTag }, data);
  }

  /** Sends what an R2T asks for, in one PDU. */
  answerR2t(r2t: SentPdu, data: Buffer): Promise<boolean> {
    const { initiatorTaskTag, targetTransferTag, bufferOffset, desiredDataTransferLength } = r2t.fields;
    const piece = data.subarray(bufferOffset, bufferOffset + desiredDataTransferLength);
    return this.dataOut(initiatorTaskTag, piece, { targetTransferTag, bufferOffset });
  }

  manage(fields: Partial<PduFields<'taskManagementRequest'>> & { function: number }): Promise<boolean> {
    const request = { immediate: true, final: true, initiatorTaskTag: this.tag(), cmdSN: this.nextCmdSN };
    return this.receive('taskManagementRequest', { ...request, ...fields });
  }

  /** The n-th PDU that the target sends, from 0; waits for it. */
  async nth(n: number): Promise<SentPdu> {
    while (this.sent.length <= n) await new Promise<void>((resolve) => this.#onSent.push(resolve));
    return this.sent[n]!;
  }

  /** The first PDU with this task tag that matches; waits for it. */
  async answer(initiatorTaskTag: number, matches: (pdu: SentPdu) => boolean = isStatus): Promise<SentPdu> {
    for (;;) {
      const found = this.sent.find(
        (sent) => sent.fields.initiatorTaskTag === initiatorTaskTag && matches(sent),
      );
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onSent.push(resolve));
    }
  }

  /** Waits until everything before it is answered or in hand: a ping behind it is answered. */
  async ping(): Promise<SentPdu> {
    const initiatorTaskTag = this.tag();
    await this.receive('nopOut', {
      immediate: true,
      final: true,
      initiatorTaskTag,
      targetTransferTag: RESERVED_TAG,
      cmdSN: this.nextCmdSN,
    });
    return this.answer(initiatorTaskTag, () => true);
  }
}

export function pdu<K extends PduKind>(kind: K, fields: Partial<PduFields<K>>, data?: Uint8Array): Pdu {
  return parseWirePdu(encodePdu(kind, fields, data), NO_DIGESTS);
}

/** READ(10), WRITE(10) and their like. */
export function cdb10(operationCode: number, lba: number, blocks: number): Buffer {
  const cdb = Buffer.alloc(10);
  cdb[0] = operationCode;
  cdb.writeUInt32BE(lba, 2);
  cdb.writeUInt16BE(blocks, 7);
  return cdb;
}

export function isStatus({ kind, fields }: SentPdu): boolean {
  return kind === 'scsiResponse' || (kind === 'dataIn' && fields.hasStatus);
}

export function isR2t({ kind }: SentPdu): boolean {
  return kind === 'r2t';
}

function readSent(wire: Buffer): SentPdu {
  const { bhs, data } = parseWirePdu(wire, NO_DIGESTS);
  const [kind] = Object.entries(layouts).find(([, { opcode }]) => opcode === opcodeAt(bhs, 0))!;
  return {
    kind: kind as PduKind,
    fields: decodeBhs(kind as PduKind, bhs) as SentPdu['fields'],
    data: Buffer.from(data),
  };
}
