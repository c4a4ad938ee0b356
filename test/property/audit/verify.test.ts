import { readFile, rm, writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyTrail } from '../../../src/audit/verify.ts';
import { writtenTrail } from '../../support/auditTrail.ts';

const LINES = 6;

test('any change of any byte is found, at its line', async () => {
  const file = await writtenTrail(LINES);
  const bytes = await readFile(file);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const spoiled = Buffer.from(bytes);
      spoiled[at]! ^= change;
      await writeFile(file, spoiled);
      const { problems } = await verifyTrail([file]);
      const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
      // The last newline alone is seen by the head file: what stands there looks like a line that is being written.
      const isLastByte = at === bytes.length - 1;
      expect(problems[0]).toMatchObject(isLastByte ? { kind: 'end' } : { line });
    }),
    { numRuns: 500 },
  );
});

test('any lines that are taken out, any order but the right one, and any cut are found', async () => {
  const file = await writtenTrail(LINES);
  const text = await readFile(file, 'utf8');
  const lines = text.split('\n').slice(0, -1);
  const some = fc.shuffledSubarray(lines).filter((chosen) => chosen.join() !== lines.join());
  await fc.assert(
    fc.asyncProperty(some, async (chosen) => {
      await writeFile(file, chosen.map((line) => `${line}\n`).join(''));
      expect((await verifyTrail([file])).problems).not.toEqual([]);
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), async (length) => {
      await writeFile(file, text.slice(0, length));
      expect((await verifyTrail([file])).problems).not.toEqual([]);
    }),
  );
});

test('without a head file, a cut is found or leaves an incomplete line, but for one between two lines', async () => {
  const file = await writtenTrail(LINES);
  const text = await readFile(file, 'utf8');
  await rm(`${file}.head`);
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length), async (length) => {
      await writeFile(file, text.slice(0, length));
      const { problems, torn } = await verifyTrail([file]);
      expect(problems).toEqual([]);
      expect(torn !== undefined).toBe(length > 0 && text[length - 1] !== '\n');
    }),
  );
});
