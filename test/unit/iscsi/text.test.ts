import { expect, test } from 'vitest';
import { encodeText, parseKeys, parsePairs, TextAssembler } from '../../../src/iscsi/text.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';

const text = (content: string): Buffer => Buffer.from(content, 'utf8');

test('pairs keep their order, and a value may be empty or hold "="', () => {
  expect(parsePairs(text('SendTargets=\0X-a=b=c\0TargetName=iqn.2001-04.com.example\0'))).toEqual([
    ['SendTargets', ''],
    ['X-a', 'b=c'],
    ['TargetName', 'iqn.2001-04.com.example'],
  ]);
});

test('no data is no pair, and zero bytes between pairs are skipped', () => {
  expect(parsePairs(text(''))).toEqual([]);
  expect(parsePairs(text('\0\0A=1\0\0B=2\0\0\0'))).toEqual([
    ['A', '1'],
    ['B', '2'],
  ]);
});

test('a view into a larger buffer is read, not the buffer', () => {
  expect(parsePairs(text('Z=9\0A=1\0B=2\0').subarray(4, 8))).toEqual([['A', '1']]);
});

test('values are UTF-8, a byte order mark included', () => {
  expect(parsePairs(text('TargetAlias=Gerät\0'))).toEqual([['TargetAlias', 'Gerät']]);
  expect(parsePairs(text('TargetAlias=\ufeffa\0'))).toEqual([['TargetAlias', '\ufeffa']]);
});

test.each([
  ['A=1', 'no zero byte at the end'],
  ['A=1\0B', 'no zero byte at the end'],
  ['A\0', 'no "="'],
  ['=1\0', 'an empty key'],
  ['1A=1\0', 'a key that begins with a digit'],
  [' A=1\0', 'a space in front of the key'],
  ['A =1\0', 'a space in the key'],
  ['A\n=1\0', 'a line end in the key'],
  ['Ä=1\0', 'a key outside ASCII'],
  ['A=1\n\0', 'a line end in the value'],
  ['A=\u001b[31m\0', 'an escape sequence in the value'],
  ['A=\u007f\0', 'DEL in the value'],
])('%j is refused: %s', (content) => {
  expectProtocolError('bad_text', () => parsePairs(text(content)));
});

test.each([['ff'], ['c0af'], ['eda080'], ['e282']])('a value of the bytes %s is no UTF-8', (hex) => {
  const data = Buffer.concat([text('A='), Buffer.from(hex, 'hex'), Buffer.alloc(1)]);
  expectProtocolError('bad_text', () => parsePairs(data));
});

test('the key of RFC 4850 is a key', () => {
  expect(parsePairs(text('X#NodeArchitecture=x86\0'))).toEqual([['X#NodeArchitecture', 'x86']]);
});

test('a key has at most 63 bytes', () => {
  expect(parsePairs(text(`${'K'.repeat(63)}=1\0`))).toHaveLength(1);
  expectProtocolError('key_too_long', () => parsePairs(text(`${'K'.repeat(64)}=1\0`)));
});

test.each([
  ['TargetAlias', 255],
  ['XCHAP_C', 255],
  ['CHAP_N', 255],
  ['CHAP_C', 2050],
  ['CHAP_R', 2050],
])('the value of %s has at most %i bytes', (key, limit) => {
  expect(parsePairs(text(`${key}=${'v'.repeat(limit)}\0`))[0]![1]).toHaveLength(limit);
  expectProtocolError('value_too_long', () => parsePairs(text(`${key}=${'v'.repeat(limit + 1)}\0`)));
});

test('the limit on a value counts bytes, not characters', () => {
  expectProtocolError('value_too_long', () => parsePairs(text(`TargetAlias=${'ä'.repeat(128)}\0`)));
});

test('a message has at most 1024 pairs', () => {
  expect(parsePairs(text('A=\0'.repeat(1024)))).toHaveLength(1024);
  expectProtocolError('too_many_keys', () => parsePairs(text('A=\0'.repeat(1025))));
});

test('a key of a negotiation message stands once', () => {
  expect([...parseKeys(text('A=1\0a=2\0'))]).toEqual([
    ['A', '1'],
    ['a', '2'],
  ]);
  expectProtocolError('duplicate_key', () => parseKeys(text('A=1\0B=2\0A=1\0')));
});

test("no error shows a key's value", () => {
  for (const content of ['CHAP_R=0xsecret\n\0', `CHAP_N=${'secret'.repeat(50)}\0`, 'A=secret\0A=secret\0']) {
    let message = '';
    try {
      parseKeys(text(content));
    } catch (error) {
      ({ message } = error as Error);
    }
    expect(message).not.toBe('');
    expect(message).not.toContain('secret');
  }
});

test('pairs are written each with its zero byte', () => {
  const pairs = [
    ['TargetName', 'iqn.2001-04.com.example'],
    ['TargetAlias', 'Gerät'],
  ] as const;
  expect(encodeText(pairs).toString('utf8')).toBe('TargetName=iqn.2001-04.com.example\0TargetAlias=Gerät\0');
  expect(parsePairs(encodeText(pairs))).toEqual(pairs);
});

test('a message in one PDU is whole at once', () => {
  const assembler = new TextAssembler({ maxLength: 100, maxPieces: 4 });
  expect(assembler.add(text('A=1\0'), false)!.toString()).toBe('A=1\0');
  expect(assembler.isCollecting).toBe(false);
});

test('pieces may cut a key anywhere, and after the whole the next message begins', () => {
  const assembler = new TextAssembler({ maxLength: 10, maxPieces: 3 });
  for (let round = 0; round < 3; round++) {
    expect(assembler.add(text('A'), true)).toBeUndefined();
    expect(assembler.isCollecting).toBe(true);
    expect(assembler.add(text('=1'), true)).toBeUndefined();
    expect(assembler.add(text('\0'), false)!.toString()).toBe('A=1\0');
    expect(assembler.isCollecting).toBe(false);
  }
});

test('pieces together are bounded in bytes', () => {
  const assembler = new TextAssembler({ maxLength: 10, maxPieces: 100 });
  assembler.add(Buffer.alloc(6), true);
  expectProtocolError('text_too_long', () => assembler.add(Buffer.alloc(5), false));
  expectProtocolError('text_too_long', () =>
    new TextAssembler({ maxLength: 10, maxPieces: 1 }).add(Buffer.alloc(11), false),
  );
  expect(new TextAssembler({ maxLength: 10, maxPieces: 1 }).add(Buffer.alloc(10), false)).toHaveLength(10);
});

test('pieces are bounded in number, empty ones too', () => {
  const assembler = new TextAssembler({ maxLength: 10, maxPieces: 3 });
  for (let i = 0; i < 3; i++) assembler.add(Buffer.alloc(0), true);
  expectProtocolError('too_many_pieces', () => assembler.add(Buffer.alloc(0), false));
});
