import { createHash } from 'node:crypto';
import type { Cdb } from '../scsi/cdb.ts';
import { Limits } from './limits.ts';
import { good, invalidFieldInCdb, type ScsiResult } from './scsiTask.ts';

/** Who the logical unit says it is. ASCII; longer values are cut. */
export interface Identity {
  /** T10 vendor identification, 8 characters. */
  readonly vendor: string;
  /** Product identification, 16 characters. */
  readonly product: string;
  /** Unit serial number: what tells one disk from another, also for multipath. */
  readonly serial: string;
}

const REVISION = '0001';

/** SAM-5, iSCSI, SPC-4, SBC-3, no version claimed (SPC-5 §6.7.2). */
const VERSION_DESCRIPTORS = [0x00a0, 0x0960, 0x0460, 0x04c0];

const VPD_PAGES: Record<number, (identity: Identity) => Buffer> = {
  0x00: supportedPages,
  0x80: unitSerialNumber,
  0x83: deviceIdentification,
  0xb0: blockLimits,
  0xb1: blockDeviceCharacteristics,
  0xb2: logicalBlockProvisioning,
};

/** INQUIRY: standard data or a vital product data page (SPC-5 §6.7, §7.7). */
export function inquiry(cdb: Extract<Cdb, { kind: 'inquiry' }>, identity: Identity): ScsiResult {
  if (!cdb.vitalProductData) {
    return cdb.pageCode === 0 ? good(standardData(identity), cdb.allocationLength) : invalidFieldInCdb(2);
  }
  const body = VPD_PAGES[cdb.pageCode]?.(identity);
  if (body === undefined) return invalidFieldInCdb(2);
  const header = Buffer.alloc(4);
  header[1] = cdb.pageCode;
  header.writeUInt16BE(body.length, 2);
  return good(Buffer.concat([header, body]), cdb.allocationLength);
}

function standardData({ vendor, product }: Identity): Buffer {
  const data = Buffer.alloc(96);
  data[2] = 0x06; // SPC-4
  data[3] = 0x02; // response data format
  data[4] = data.length - 5;
  data[7] = 0x02; // CMDQUE
  data.write(ascii(vendor, 8), 8, 'latin1');
  data.write(ascii(product, 16), 16, 'latin1');
  data.write(REVISION, 32, 'latin1');
  VERSION_DESCRIPTORS.forEach((descriptor, i) => data.writeUInt16BE(descriptor, 58 + 2 * i));
  return data;
}

function supportedPages(): Buffer {
  return Buffer.from(Object.keys(VPD_PAGES).map(Number)); // integer keys come in ascending order
}

function unitSerialNumber({ serial }: Identity): Buffer {
  return Buffer.from(printable(serial), 'latin1');
}

/** Three designators of the logical unit: T10 vendor ID, NAA locally assigned, SCSI name string (SPC-5 §7.7.6). */
function deviceIdentification({ vendor, product, serial }: Identity): Buffer {
  const naa = createHash('sha256').update(`${vendor}\0${product}\0${serial}`).digest().subarray(0, 8);
  naa[0] = 0x30 | (naa[0]! & 0x0f); // NAA 3h: locally assigned
  const t10 = Buffer.from(ascii(vendor, 8) + ascii(product, 16) + printable(serial), 'latin1');
  const name = Buffer.alloc(24); // NUL-terminated, a multiple of 4
  name.write(`naa.${naa.toString('hex').toUpperCase()}`, 'latin1');
  return Buffer.concat([
    designator(ASCII, 0x1, t10),
    designator(BINARY, 0x3, naa),
    designator(UTF8, 0x8, name),
  ]);
}

const BINARY = 1;
const ASCII = 2;
const UTF8 = 3;

function designator(codeSet: number, type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([codeSet, type, 0, value.length]), value]);
}

function blockLimits(): Buffer {
  const page = Buffer.alloc(64);
  page[4] = 0x01; // WSNZ: a WRITE SAME of 0 blocks, "to the end", is refused: its cost has no bound
  page[5] = Limits.compareAndWriteBlocks;
  page.writeUInt16BE(Limits.granularityBlocks, 6);
  page.writeUInt32BE(Limits.transferBlocks, 8);
  page.writeUInt32BE(Limits.optimalTransferBlocks, 12);
  page.writeUInt32BE(Limits.unmapBlocks, 20);
  page.writeUInt32BE(Limits.unmapDescriptors, 24);
  page.writeUInt32BE(Limits.granularityBlocks, 28); // optimal unmap granularity
  page.writeUInt32BE(0x80000000, 32); // UGAVALID, aligned to 0
  page.writeBigUInt64BE(BigInt(Limits.writeSameBlocks), 36);
  return page.subarray(4);
}

function blockDeviceCharacteristics(): Buffer {
  const page = Buffer.alloc(64);
  page.writeUInt16BE(1, 4); // non-rotating
  return page.subarray(4);
}

function logicalBlockProvisioning(): Buffer {
  return Buffer.from([
    0, // no thresholds
    0xe4, // LBPU, LBPWS, LBPWS10, LBPRZ: UNMAP and WRITE SAME unmap, and unmapped blocks read as zeros
    0x02, // thin provisioned
    0,
  ]);
}

function ascii(text: string, length: number): string {
  return printable(text).slice(0, length).padEnd(length);
}

/** ASCII fields hold 20h to 7Eh only (SPC-5 §4.3.1). */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, 200);
}
