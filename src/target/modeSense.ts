import type { ModeSenseCdb } from '../scsi/cdb.ts';
import { LOGICAL_BLOCK_LENGTH } from '../scsi/expectedTransfer.ts';
import { AdditionalSense } from '../scsi/sense.ts';
import { good, illegalRequest, invalidFieldInCdb, type ScsiResult } from './scsiTask.ts';

const ALL_PAGES = 0x3f;
const ALL_SUBPAGES = 0xff;
const CHANGEABLE = 1;
const SAVED = 3;

const CACHING = 0x08;
const CONTROL = 0x0a;

const PAGES: Record<number, () => Buffer> = { [CACHING]: cachingPage, [CONTROL]: controlPage };

/** MODE SENSE(6) and (10) (SPC-5 §6.13, §6.14). Nothing is changeable: MODE SELECT is not a command of this target. */
export function modeSense(
  cdb: ModeSenseCdb,
  medium: { blocks: number; writeProtected: boolean },
): ScsiResult {
  if (cdb.pageControl === SAVED) return illegalRequest(AdditionalSense.savingParametersNotSupported);
  if (cdb.subpageCode !== 0 && cdb.subpageCode !== ALL_SUBPAGES) return invalidFieldInCdb(3);
  const wanted = cdb.pageCode === ALL_PAGES ? Object.values(PAGES) : [PAGES[cdb.pageCode]];
  const pages: Buffer[] = [];
  for (const make of wanted) {
    if (make === undefined) return invalidFieldInCdb(2);
    const page = make();
    if (cdb.pageControl === CHANGEABLE) page.fill(0, 2);
    pages.push(page);
  }
  const descriptors = cdb.disableBlockDescriptors ? Buffer.alloc(0) : blockDescriptor(medium.blocks);
  const header = modeParameterHeader(cdb.form, medium.writeProtected, descriptors.length);
  const data = Buffer.concat([header, descriptors, ...pages]);
  if (cdb.form === 6) data[0] = data.length - 1;
  else data.writeUInt16BE(data.length - 2);
  return good(data, cdb.allocationLength);
}

/** SPC-5 §7.5.6; the mode data length is filled in when the rest is known. */
function modeParameterHeader(form: 6 | 10, writeProtected: boolean, descriptorsLength: number): Buffer {
  const deviceSpecific = (writeProtected ? 0x80 : 0) | 0x10; // WP, DPOFUA (SBC-4 §6.5.1)
  return form === 6
    ? Buffer.from([0, 0, deviceSpecific, descriptorsLength])
    : Buffer.from([0, 0, 0, deviceSpecific, 0, 0, 0, descriptorsLength]);
}

/** Short LBA mode parameter block descriptor (SBC-4 §6.5.2.2). */
function blockDescriptor(blocks: number): Buffer {
  const descriptor = Buffer.alloc(8);
  descriptor.writeUInt32BE(Math.min(blocks, 0xffffffff));
  descriptor.writeUIntBE(LOGICAL_BLOCK_LENGTH, 5, 3);
  return descriptor;
}

/** SBC-4 §6.5.6. */
function cachingPage(): Buffer {
  const page = Buffer.alloc(20);
  page[0] = CACHING;
  page[1] = page.length - 2;
  page[2] = 0x04; // WCE: written data is safe only after SYNCHRONIZE CACHE or with FUA
  return page;
}

/** SPC-5 §7.5.10. */
function controlPage(): Buffer {
  const page = Buffer.alloc(12);
  page[0] = CONTROL;
  page[1] = page.length - 2;
  page[3] = 0x10; // unrestricted reordering: commands run side by side
  return page;
}
