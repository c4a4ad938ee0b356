import { expect, test } from 'vitest';
import { minimalGateway, parse } from './minimalGateway.ts';

const withLimits = (limits: string): string => minimalGateway({ 13: `limits: { ${limits} }` });

test('warns of a time to wait that is over before a stub has renewed its tunnel', () => {
  const { config, warnings } = parse(withLimits('waitingSeconds: 299'));
  expect(warnings).toMatchObject([{ line: 13, column: 27, path: 'limits.waitingSeconds' }]);
  expect(warnings[0]!.message).toContain('a stub keeps a tunnel for 240 s');
  expect(warnings[0]!.hint).toContain('write 300 or more');
  expect(config.limits.waitingSeconds).toBe(299);
});

test('does not warn of a time to wait that a stub has use for', () => {
  for (const seconds of [300, 600]) {
    expect(parse(withLimits(`waitingSeconds: ${seconds}`)).warnings).toEqual([]);
  }
});
