import { LogicalUnit, type LogicalUnitOptions } from '../../../src/target/logicalUnit.ts';
import { MemoryStore } from '../../../src/target/memoryStore.ts';
import type { ScsiResult } from '../../../src/target/scsiTask.ts';

export const PORT_A = 'iqn.2024-01.org.example:a,i,0x00023d000001';
export const PORT_B = 'iqn.2024-01.org.example:b,i,0x00023d000002';
export const PORT_C = 'iqn.2024-01.org.example:c,i,0x00023d000003';

export const BLOCKS = 4096;

export class Disk {
  readonly lu: LogicalUnit;

  constructor(options: Partial<LogicalUnitOptions> = {}) {
    const store = options.store ?? new MemoryStore(BLOCKS * 512);
    this.lu = new LogicalUnit({ lun: 0, store, serial: 'test-1', ...options });
  }

  /** Sends a CDB given in hex, spaces allowed, from `port`. */
  send(cdb: string, dataOut?: Buffer, port = PORT_A): Promise<ScsiResult> {
    const task = { cdb: hex(cdb), nexus: { initiatorPort: port } };
    return this.lu.execute(dataOut === undefined ? task : { ...task, dataOut });
  }
}

export function hex(spaced: string): Buffer {
  return Buffer.from(digits(spaced), 'hex');
}

/** Hex digits without the spaces that make them readable. */
export function digits(spaced: string): string {
  return spaced.replaceAll(/\s/g, '');
}

/** Status and sense in one word: `good`, `conflict`, or key/ASC+ASCQ in hex, e.g. `5/2100`. */
export function outcome(result: ScsiResult): string {
  if (result.status === 0) return 'good';
  if (result.status === 0x18) return 'conflict';
  const sense = result.sense!;
  return `${(sense[2]! & 0xf).toString(16)}/${sense.readUInt16BE(12).toString(16).padStart(4, '0')}`;
}

export function pattern(length: number, seed = 1): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7 + seed * 13) & 0xff));
}

export function u8(value: number): string {
  return value.toString(16).padStart(2, '0');
}

export function u32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

export function u64(value: bigint | number): string {
  return value.toString(16).padStart(16, '0');
}

export const write16 = (lba: bigint | number, blocks: number): string =>
  `8a00 ${u64(lba)} ${u32(blocks)} 0000`;
export const read16 = (lba: bigint | number, blocks: number): string =>
  `8800 ${u64(lba)} ${u32(blocks)} 0000`;
