import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BHS_LENGTH } from '../../../src/iscsi/bhs.ts';
import { decodeBhs, encodeBhs, layouts, type PduKind } from '../../../src/iscsi/layouts.ts';
import { anyFields } from '../../support/anyPdu.ts';

test.each(Object.keys(layouts) as PduKind[])('any %s is read as it was written', (kind) => {
  fc.assert(
    fc.property(anyFields(kind), (fields) => {
      const bhs = encodeBhs(kind, fields);
      expect(bhs).toHaveLength(BHS_LENGTH);
      expect(bhs[0]! & 0x3f).toBe(layouts[kind].opcode);
      expect(decodeBhs(kind, bhs)).toEqual(fields);
    }),
    { numRuns: 200 },
  );
});

test.each(Object.keys(layouts) as PduKind[])('no two fields of %s share a bit', (kind) => {
  const { fields } = layouts[kind];
  const taken = Buffer.alloc(BHS_LENGTH);
  for (const name of Object.keys(fields)) {
    const bits = encodeBhs(kind, { [name]: widest(kind, name) });
    bits[0]! &= 0xc0;
    for (let at = 0; at < BHS_LENGTH; at++) {
      expect(taken[at]! & bits[at]!, `${name} at ${at}`).toBe(0);
      taken[at]! |= bits[at]!;
    }
  }
  // opcode and lengths are nobody's field
  expect(taken[0]! & 0x3f).toBe(0);
  expect(taken.subarray(4, 8).toString('hex')).toBe('00000000');
});

/** What sets every bit of a field. */
function widest(kind: PduKind, name: string): unknown {
  const decoded: Record<string, unknown> = decodeBhs(kind, Buffer.alloc(BHS_LENGTH, 0xff));
  return decoded[name];
}
