import { expect, test } from 'vitest';

import { ExclusiveGate } from '../../../src/target/exclusiveGate.ts';

/** Work that starts with a note and ends when it is told to. */
function work(log: string[], name: string): { run: () => Promise<void>; end: () => void } {
  let end = (): void => {};
  const done = new Promise<void>((resolve) => (end = resolve));
  return {
    run: async () => {
      log.push(`+${name}`);
      await done;
      log.push(`-${name}`);
    },
    end,
  };
}

test('shared work runs side by side; exclusive work waits for it and holds back what comes later', async () => {
  const gate = new ExclusiveGate();
  const log: string[] = [];
  const [a, b, x, c, d] = ['a', 'b', 'x', 'c', 'd'].map((name) => work(log, name));
  const all = [
    gate.shared(a!.run),
    gate.shared(b!.run),
    gate.exclusive(x!.run),
    gate.shared(c!.run),
    gate.shared(d!.run),
  ];
  expect(log).toEqual(['+a', '+b']);
  a!.end();
  await all[0];
  expect(log).toEqual(['+a', '+b', '-a']);
  b!.end();
  await all[1];
  x!.end();
  await all[2];
  c!.end();
  d!.end();
  await Promise.all(all);
  expect(log.slice(3)).toEqual(['-b', '+x', '-x', '+c', '+d', '-c', '-d']);
});

test('work that fails lets the next in', async () => {
  const gate = new ExclusiveGate();
  await expect(gate.exclusive(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await expect(gate.shared(async () => 'next')).resolves.toBe('next');
});
