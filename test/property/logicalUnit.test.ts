import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectedTransfer } from '../../src/scsi/expectedTransfer.ts';
import type { BackingStore } from '../../src/target/backingStore.ts';
import { FileStore } from '../../src/target/fileStore.ts';
import { MAXIMUM_TRANSFER_BYTES } from '../../src/target/limits.ts';
import { LogicalUnit } from '../../src/target/logicalUnit.ts';
import { MemoryStore } from '../../src/target/memoryStore.ts';

const BLOCKS = 512;
const BLOCK = 512;
const nexus = { initiatorPort: 'iqn.2024-01.org.example:a,i,0x00023d000001' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sangate-property-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Step {
  readonly kind: 'write' | 'read' | 'unmap' | 'writeSame' | 'compareAndWrite';
  readonly lba: number;
  readonly blocks: number;
  readonly seed: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('write', 'read', 'unmap', 'writeSame', 'compareAndWrite'),
  lba: fc.nat(BLOCKS + 2),
  blocks: fc.oneof(fc.nat(9), fc.nat(BLOCKS)),
  seed: fc.nat(3), // 0: zeros
});

function cdb16(code: number, { lba, blocks }: Step): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = code;
  cdb.writeBigUInt64BE(BigInt(lba), 2);
  if (code === 0x89) cdb[13] = blocks;
  else cdb.writeUInt32BE(blocks, 10);
  return cdb;
}

function bytes(length: number, seed: number): Buffer {
  return Buffer.from(
    Uint8Array.from({ length }, (_, i) => (seed === 0 ? 0 : (i * 31 + (i >> 9) + seed) & 0xff)),
  );
}

function unmapList({ lba, blocks }: Step): Buffer {
  const list = Buffer.alloc(24);
  list.writeUInt16BE(22);
  list.writeUInt16BE(16, 2);
  list.writeBigUInt64BE(BigInt(lba), 8);
  list.writeUInt32BE(blocks, 16);
  return list;
}

/** Does the step on the logical unit and on the model, a plain array of bytes; both must agree. */
async function apply(lu: LogicalUnit, model: Buffer, action: Step): Promise<void> {
  const inside = action.lba + action.blocks <= BLOCKS;
  const at = action.lba * BLOCK;
  const length = action.blocks * BLOCK;
  const send = async (cdb: Buffer, dataOut?: Buffer): Promise<{ status: number; dataIn?: Buffer }> =>
    lu.execute(dataOut === undefined ? { cdb, nexus } : { cdb, nexus, dataOut });
  switch (action.kind) {
    case 'write': {
      const data = bytes(length, action.seed);
      const { status } = await send(cdb16(0x8a, action), data);
      expect(status === 0).toBe(inside);
      if (inside) data.copy(model, at);
      break;
    }
    case 'read': {
      const { status, dataIn } = await send(cdb16(0x88, action));
      expect(status === 0).toBe(inside);
      if (inside) expect(dataIn!.equals(model.subarray(at, at + length))).toBe(true);
      break;
    }
    case 'unmap': {
      const cdb = Buffer.alloc(16);
      cdb[0] = 0x42;
      cdb[8] = 24;
      const { status } = await send(cdb, unmapList(action));
      expect(status === 0).toBe(inside);
      if (inside) model.fill(0, at, at + length);
      break;
    }
    case 'writeSame': {
      const block = bytes(BLOCK, action.seed);
      const { status } = await send(cdb16(0x93, action), block);
      const does = inside && action.blocks > 0;
      expect(status === 0).toBe(does);
      if (does) model.fill(block, at, at + length);
      break;
    }
    case 'compareAndWrite': {
      const short = { ...action, blocks: action.blocks % 10 };
      const size = short.blocks * BLOCK;
      const fits = action.lba + short.blocks <= BLOCKS;
      // half of the time what is compared with is what is there
      const wanted =
        fits && action.blocks % 2 === 0 ? Buffer.from(model.subarray(at, at + size)) : bytes(size, 1);
      const equal = fits && wanted.equals(model.subarray(at, at + size));
      const data = bytes(size, action.seed);
      const { status } = await send(cdb16(0x89, short), Buffer.concat([wanted, data]));
      expect(status === 0).toBe(equal);
      if (equal) data.copy(model, at);
      break;
    }
  }
}

async function agrees(store: BackingStore, steps: Step[]): Promise<void> {
  const lu = new LogicalUnit({ lun: 0, store, serial: 'property' });
  const model = Buffer.alloc(BLOCKS * BLOCK);
  try {
    for (const action of steps) await apply(lu, model, action);
    expect((await store.read(0, store.size)).equals(model)).toBe(true);
  } finally {
    await lu.close();
  }
}

test('a memory disk is an array of bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), (steps) =>
      agrees(new MemoryStore(BLOCKS * BLOCK), steps),
    ),
    { numRuns: 100 },
  );
});

test('a file disk is an array of bytes', async () => {
  let files = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const path = join(folder, `disk-${files++}.img`);
      await agrees(await FileStore.open(path, { create: BLOCKS * BLOCK }), steps);
      await rm(path);
    }),
    { numRuns: 40 },
  );
});

test('no CDB and no data-out makes a task reject, return more than asked for, or ask for more than the bound', async () => {
  const lu = new LogicalUnit({ lun: 0, store: new MemoryStore(64 * 1024 * 1024), serial: 'property' });
  const known = [
    0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x41, 0x42, 0x5a, 0x5e, 0x5f,
  ];
  const code = fc.oneof(fc.nat(255), fc.constantFrom(...known, 0x88, 0x89, 0x8a, 0x93, 0x9e, 0xa0, 0xa3));
  const cdbs = fc
    .tuple(code, fc.uint8Array({ maxLength: 20 }))
    .map(([first, rest]) => Uint8Array.from([first, ...rest]));
  await fc.assert(
    fc.asyncProperty(cdbs, fc.uint8Array({ maxLength: 2048 }), async (cdb, data) => {
      const { direction, length } = expectedTransfer(cdb);
      if (lu.refuse({ cdb, nexus }) === undefined && direction === 'out') {
        expect(length).toBeLessThanOrEqual(MAXIMUM_TRANSFER_BYTES);
      }
      const result = await lu.execute({ cdb, nexus, dataOut: Buffer.from(data.subarray(0, length)) });
      expect(result.dataIn?.length ?? 0).toBeLessThanOrEqual(direction === 'in' ? length : 0);
      expect(result.sense?.length).toBe(result.status === 2 ? 18 : undefined);
    }),
    { numRuns: 3000 },
  );
});
