import { expect, test } from 'vitest';
import type { AccessRule } from '../../../src/policy/rules.ts';
import { cdb } from '../../support/refusals.ts';
import { Relayed } from '../../support/relayed.ts';

/** What is told of a command that was let pass. */
function told(operationCode: string, access: Partial<AccessRule> = {}) {
  const relayed = new Relayed({ access });
  relayed.request('scsiCommand', { initiatorTaskTag: 7, final: true, cdb: cdb(operationCode) });
  return relayed.notable;
}

test.each([
  ['PERSISTENT RESERVE OUT', '5f', {}, 'reserve'],
  ['RESERVE (6)', '16', {}, 'reserve'],
  ['MODE SELECT (6)', '15', {}, 'configure'],
  ['FORMAT UNIT, where it is allowed', '04', { allow: ['format'] }, 'format'],
] as const)('%s is told, with rule, logical unit and code', (_, code, access, effect) => {
  expect(told(code, access)).toEqual([
    {
      effect,
      operationCode: Number.parseInt(code, 16),
      lun: 0,
      rule: 'db1',
      location: expect.stringMatching(/^gateway\.yaml:\d+:\d+$/),
    },
  ]);
});

test.each(['28', '2a', '00', '12', '35', '42'])('an everyday command is not told: %s', (code) => {
  expect(told(code)).toEqual([]);
});

test('what is refused is told as a denial alone', () => {
  expect(told('04')).toEqual([]);
  expect(told('5f', { mode: 'read-only' })).toEqual([]);
});
