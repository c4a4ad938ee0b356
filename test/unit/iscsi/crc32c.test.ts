import { crc32c as native } from '@node-rs/crc32';
import { expect, test } from 'vitest';
import { crc32c, readDigest, writeDigest } from '../../../src/iscsi/crc32c.ts';

const ascending = Buffer.from(Array.from({ length: 32 }, (_, i) => i));

// RFC 3720 B.4. The RFC prints the bytes as they stand on the wire.
test.each([
  ['32 bytes of zeros', Buffer.alloc(32), 'aa36918a'],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), '43aba862'],
  ['32 bytes counting up', ascending, '4e79dd46'],
  ['32 bytes counting down', Buffer.from(ascending.toReversed()), '5cdb3f11'],
  [
    'a SCSI Read (10) command PDU',
    Buffer.from(
      '01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000',
      'hex',
    ),
    '563a96d9',
  ],
])('%s', (_, bytes, wire) => {
  const digest = Buffer.alloc(4);
  writeDigest(digest, 0, crc32c(bytes));
  expect(digest.toString('hex')).toBe(wire);
  expect(readDigest(digest, 0)).toBe(crc32c(bytes));
});

test('nothing has the digest 0', () => {
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

test('the tables and native code agree at every length, at any start', () => {
  const bytes = Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 167 + (i >>> 3)) & 0xff));
  for (let length = 0; length < 540; length++) {
    const start = length % 13;
    expect(crc32c(bytes, start, start + length)).toBe(native(bytes.subarray(start, start + length)));
  }
});

test('a digest may be continued at any place, by tables or by native code', () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 31) & 0xff));
  const whole = native(bytes);
  for (const cut of [0, 1, 7, 8, 255, 256, 257, 500, 744, 745, 999, 1000]) {
    expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(whole);
  }
});
