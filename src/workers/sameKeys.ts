/**
 * `true` if two types have the same keys at every depth, optional ones too, and what they hold agrees; else `false`. That a schema
 * satisfies `z.ZodType<T>` does not say so: an optional key of T may be missing in it, and then it drops the key or refuses what has it.
 */
export type HaveSameKeys<A, B> = [Whole<A>, Whole<B>] extends [Whole<B>, Whole<A>] ? true : false;

type Whole<T> = T extends Error ? T : { readonly [K in keyof T]-?: Whole<T[K]> };
