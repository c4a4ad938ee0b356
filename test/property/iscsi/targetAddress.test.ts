import { isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPortal, parseTargetAddress } from '../../../src/iscsi/targetAddress.ts';

/** Strings that often are an IPv6 address or nearly one. */
const nearlyIPv6 = fc.oneof(
  fc.ipV6(),
  fc
    .tuple(fc.ipV6(), fc.nat(40), fc.constantFrom('', ':', '::', '0', 'f', '.', '1.2.3.4'))
    .map(([address, at, inserted]) => address.slice(0, at) + inserted + address.slice(at + 1)),
  fc
    .array(fc.constantFrom(':', '::', '0', '1f', 'ffff', '1.2.3.4', '255', '.'), {
      minLength: 1,
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
);

function isTaken(text: string): boolean {
  try {
    parseTargetAddress(text);
    return true;
  } catch {
    return false;
  }
}

test('what stands in brackets is an address to us if it is one to the platform', () => {
  fc.assert(
    fc.property(nearlyIPv6, (host) => {
      expect(isTaken(`[${host}]`)).toBe(isIPv6(host));
    }),
    { numRuns: 5000 },
  );
});

test('what was read and is written is read again as the same', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
      expect(parseTargetAddress(formatPortal({ host, port }))).toEqual({ host, port });
    }),
  );
});
