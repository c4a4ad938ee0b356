import { expectTypeOf, test } from 'vitest';
import type { HaveSameKeys } from '../../../src/workers/sameKeys.ts';

test('a key that only one of two types has is seen, also if it is optional', () => {
  expectTypeOf<HaveSameKeys<{ a: 1; b?: 2 }, { a: 1 }>>().toEqualTypeOf<false>();
  expectTypeOf<HaveSameKeys<{ a: 1 }, { a: 1; b?: 2 }>>().toEqualTypeOf<false>();
});

test('a key is seen at any depth, in lists and in one of several shapes', () => {
  expectTypeOf<HaveSameKeys<{ a: { b: 1; c?: 2 }[] }, { a: { b: 1 }[] }>>().toEqualTypeOf<false>();
  expectTypeOf<HaveSameKeys<{ a: 1; b?: 2 } | { a: 2 }, { a: 1 } | { a: 2 }>>().toEqualTypeOf<false>();
});

test('a shape that only one of two types has is seen', () => {
  expectTypeOf<HaveSameKeys<{ a: 1 } | { a: 2 }, { a: 1 }>>().toEqualTypeOf<false>();
});

test('what may be written makes no difference', () => {
  expectTypeOf<
    HaveSameKeys<{ readonly a: readonly { readonly b?: 1 }[] }, { a: { b?: 1 }[] }>
  >().toEqualTypeOf<true>();
});
