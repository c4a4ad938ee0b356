import { expect, test } from 'vitest';
import { describeOpcode, Opcode } from '../../../src/iscsi/opcode.ts';

test('an opcode is named as RFC 7143 names it', () => {
  expect(describeOpcode(0x04)).toBe('0x04 textRequest');
  expect(describeOpcode(0x3f)).toBe('0x3f reject');
});

test('an unknown opcode is its number', () => {
  expect(describeOpcode(0x1c)).toBe('0x1c');
});

test('requests are below 20h, responses are not', () => {
  const requests = Object.values(Opcode).filter((code) => code < 0x20);
  expect(requests).toEqual([0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10]);
  const responses = Object.values(Opcode).filter((code) => code >= 0x20);
  expect(responses).toEqual([0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f]);
});
