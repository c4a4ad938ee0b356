import { LOGICAL_BLOCK_LENGTH } from '../scsi/expectedTransfer.ts';

/** The most data that one command may move, in bytes; what bounds the memory a task can hold. */
export const MAXIMUM_TRANSFER_BYTES = 8 * 1024 * 1024;

/** What the Block Limits page (SBC-4 §6.6.4) promises and the logical unit enforces; in logical blocks. */
export const Limits = {
  transferBlocks: MAXIMUM_TRANSFER_BYTES / LOGICAL_BLOCK_LENGTH,
  optimalTransferBlocks: (1024 * 1024) / LOGICAL_BLOCK_LENGTH,
  /** Files and memory pages are kept in pieces of at least 4 KiB. */
  granularityBlocks: 4096 / LOGICAL_BLOCK_LENGTH,
  compareAndWriteBlocks: 255,
  writeSameBlocks: (16 * 1024 * 1024) / LOGICAL_BLOCK_LENGTH,
  /** For all descriptors of one UNMAP together. */
  unmapBlocks: (128 * 1024 * 1024) / LOGICAL_BLOCK_LENGTH,
  unmapDescriptors: 256,
} as const;
