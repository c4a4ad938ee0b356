import { parseCdb } from './cdb.ts';

/** Bytes in a logical block of the embedded target. */
export const LOGICAL_BLOCK_LENGTH = 512;

export interface ExpectedTransfer {
  readonly direction: 'none' | 'in' | 'out';
  /**
   * Bytes. For `out` exactly what the command needs; for `in` the most that it may return. It is what the
   * initiator wrote and may be up to 2 TiB: bound it before anything is collected.
   */
  readonly length: number;
}

const NONE: ExpectedTransfer = { direction: 'none', length: 0 };

/** How much data the CDB itself asks for, whatever the iSCSI Expected Data Transfer Length says. */
export function expectedTransfer(cdb: Uint8Array): ExpectedTransfer {
  const command = parseCdb(cdb);
  switch (command.kind) {
    case 'read':
      return dataIn(command.blocks * LOGICAL_BLOCK_LENGTH);
    case 'write':
    case 'writeAndVerify':
      return dataOut(command.blocks * LOGICAL_BLOCK_LENGTH);
    case 'verify':
      return command.byteCheck === 1 ? dataOut(command.blocks * LOGICAL_BLOCK_LENGTH) : NONE;
    case 'compareAndWrite': // the data to compare with, then the data to write (SBC-4 §5.3)
      return dataOut(2 * command.blocks * LOGICAL_BLOCK_LENGTH);
    case 'writeSame':
      return command.noDataOut ? NONE : dataOut(LOGICAL_BLOCK_LENGTH);
    case 'unmap':
    case 'persistentReserveOut':
      return dataOut(command.parameterListLength);
    case 'readCapacity10':
      return dataIn(8);
    case 'requestSense':
    case 'inquiry':
    case 'readCapacity16':
    case 'reportLuns':
    case 'modeSense':
    case 'reportSupportedOperationCodes':
    case 'persistentReserveIn':
      return dataIn(command.allocationLength);
    case 'testUnitReady':
    case 'prefetch':
    case 'synchronizeCache':
    case 'startStopUnit':
    case 'preventAllowMediumRemoval':
    case 'unsupported':
      break;
  }
  return NONE;
}

function dataIn(length: number): ExpectedTransfer {
  return { direction: 'in', length };
}

function dataOut(length: number): ExpectedTransfer {
  return length === 0 ? NONE : { direction: 'out', length };
}
