import { RESERVED_TAG } from '../../src/iscsi/bhs.ts';
import type { PduFields } from '../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, type Digests } from '../../src/iscsi/pdu.ts';
import { TARGET_STAT_SN, type Relayed } from './relayed.ts';

/** A CDB from its first bytes in hex. */
export function cdb(hex: string): Buffer {
  return Buffer.from(hex.padEnd(32, '0'), 'hex');
}

/** A LUN from its first bytes in hex. */
export function lun(hex: string): Buffer {
  return Buffer.from(hex.padEnd(16, '0'), 'hex');
}

/** The target's answer to what the gateway sends in the place of a refused request; its StatSN is the n-th. */
export function answerPing(relayed: Relayed, initiatorTaskTag: number, n = 0, window = {}): void {
  relayed.respond('nopIn', {
    final: true,
    initiatorTaskTag,
    targetTransferTag: RESERVED_TAG,
    statSN: TARGET_STAT_SN + n,
    expCmdSN: 40,
    maxCmdSN: 71,
    ...window,
  });
}

/** A WRITE (10) with immediate and unsolicited data of these lengths, each Data-Out of 8192 bytes at most. */
export function writeStream(
  fields: Partial<PduFields<'scsiCommand'>>,
  { immediate, unsolicited }: { immediate: number; unsolicited: number },
  digests: Digests = NO_DIGESTS,
): Buffer {
  const pdus = [
    encodePdu(
      'scsiCommand',
      {
        write: true,
        cdb: cdb('2a'),
        expectedDataTransferLength: immediate + unsolicited,
        ...fields,
        final: unsolicited === 0,
      },
      Buffer.alloc(immediate, 0xee),
      digests,
    ),
  ];
  const { initiatorTaskTag = 0, expStatSN = 0 } = fields;
  for (let at = 0, dataSN = 0; at < unsolicited; dataSN++) {
    const length = Math.min(8192, unsolicited - at);
    const header = {
      initiatorTaskTag,
      targetTransferTag: RESERVED_TAG,
      expStatSN,
      dataSN,
      bufferOffset: immediate + at,
      final: at + length === unsolicited,
    };
    pdus.push(encodePdu('dataOut', header, Buffer.alloc(length, 0xee), digests));
    at += length;
  }
  return Buffer.concat(pdus);
}
