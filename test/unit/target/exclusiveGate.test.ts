import { expect, test } from 'vitest';
import { ExclusiveGate } from '../../../src/target/exclusiveGate.ts';

/** Work that notes its start, and its end once it is told to end. */
class Work {
  end!: () => void;
  readonly #done = new Promise<void>((resolve) => {
    this.end = resolve;
  });
  readonly #log: string[];
  readonly #name: string;

  constructor(log: string[], name: string) {
    this.#log = log;
    this.#name = name;
  }

  readonly run = async (): Promise<void> => {
    this.#log.push(`+${this.#name}`);
    await this.#done;
    this.#log.push(`-${this.#name}`);
  };
}

test('shared work runs side by side; exclusive work waits for it and holds back what comes later', async () => {
  const gate = new ExclusiveGate();
  const log: string[] = [];
  const [a, b, x, c, d] = ['a', 'b', 'x', 'c', 'd'].map((name) => new Work(log, name));
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
