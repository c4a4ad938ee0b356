import { expect, test } from 'vitest';
import { NOTHING_PASSED, sumOfTraffic } from '../../../src/gateway/traffic.ts';

test('traffic is added up for each side by itself', () => {
  const one = { initiator: { pdus: 1, bytes: 10 }, target: { pdus: 2, bytes: 20 } };
  const other = { initiator: { pdus: 3, bytes: 30 }, target: { pdus: 4, bytes: 40 } };
  expect(sumOfTraffic([NOTHING_PASSED, one, other])).toEqual({
    initiator: { pdus: 4, bytes: 40 },
    target: { pdus: 6, bytes: 60 },
  });
});
