import * as fc from 'fast-check';

/**
 * Settings of a property that runs for a time instead of a number of runs: FUZZ_SECONDS (default 10) shared by all
 * properties that ask here with the same `share`. The seed is printed; FUZZ_SEED repeats it.
 */
export function timeBoxed<T>(name: string, share: number): fc.Parameters<T> {
  const seconds = Number(process.env['FUZZ_SECONDS'] ?? 10) * share;
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 0x7fffffff));
  console.log(`${name}: ${seconds} s, FUZZ_SEED=${seed}`);
  return {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: seconds * 1000,
    endOnFailure: true,
  };
}

/** Every way to hurt a stream: bytes overwritten, put in, taken out, cut off, and the whole given in any chunks. */
export const damage = fc.record({
  overwrite: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
  insert: fc.option(fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 64 })), {
    freq: 4,
    nil: undefined,
  }),
  remove: fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 64 })), { freq: 4, nil: undefined }),
  cut: fc.option(fc.nat(), { freq: 8, nil: undefined }),
  chunks: fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }),
});

export type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

export function damaged(stream: Buffer, { overwrite, insert, remove, cut }: Damage): Buffer {
  let bytes = Buffer.from(stream);
  for (const [at, value] of overwrite) bytes[at % bytes.length] = value;
  if (insert !== undefined) {
    const at = insert[0] % bytes.length;
    bytes = Buffer.concat([bytes.subarray(0, at), insert[1], bytes.subarray(at)]);
  }
  if (remove !== undefined) {
    const at = remove[0] % bytes.length;
    bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + remove[1])]);
  }
  return cut === undefined ? bytes : bytes.subarray(0, cut % bytes.length);
}

/** The stream in chunks of these lengths, over and over; whole if there are none. */
export function* inChunks(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
