import * as fc from 'fast-check';
import { BHS_LENGTH } from '../../src/iscsi/bhs.ts';
import { decodeBhs, type PduFields, type PduKind } from '../../src/iscsi/layouts.ts';

/** Any header of a kind, field by field from the layouts' own table. */
export function anyFields<K extends PduKind>(kind: K): fc.Arbitrary<PduFields<K>> {
  return fc
    .uint8Array({ minLength: BHS_LENGTH, maxLength: BHS_LENGTH })
    .map((bytes) => decodeBhs(kind, Buffer.from(bytes)));
}

/** Any way to cut a stream into chunks: borders anywhere, often none for long. */
export function anyCuts(): fc.Arbitrary<readonly number[]> {
  return fc.array(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 2000 })), {
    minLength: 1,
    maxLength: 60,
  });
}
