import { expect, test } from 'vitest';
import { decodeBhs, encodeBhs } from '../../../src/iscsi/layouts.ts';
import { Legs } from '../../../src/relay/legs.ts';

const statSNOf = (bhs: Buffer) => decodeBhs('scsiResponse', bhs).statSN;
const expStatSNOf = (bhs: Buffer) => decodeBhs('scsiCommand', bhs).expStatSN;

function response(legs: Legs, statSN: number, advances: boolean): { changed: boolean; statSN: number } {
  const bhs = encodeBhs('scsiResponse', { statSN });
  const changed = legs.patchResponse(bhs, 0, advances);
  return { changed, statSN: statSNOf(bhs) };
}

function request(legs: Legs, expStatSN: number): { changed: boolean; expStatSN: number } {
  const bhs = encodeBhs('scsiCommand', { expStatSN });
  const changed = legs.patchRequest(bhs, 0);
  return { changed, expStatSN: expStatSNOf(bhs) };
}

test('the initiator sees its own leg counted, whatever the target counts', () => {
  const legs = new Legs(1000, 500);
  expect([500, 501, 502].map((statSN) => response(legs, statSN, true).statSN)).toEqual([1000, 1001, 1002]);
});

test('the target is told what has come from it', () => {
  const legs = new Legs(1000, 500);
  expect(request(legs, 1000).expStatSN).toBe(500);
  response(legs, 500, true);
  expect(request(legs, 1000).expStatSN).toBe(501);
});

test('both counters wrap', () => {
  const legs = new Legs(0xffffffff, 0xfffffffe);
  expect(response(legs, 0xfffffffe, true).statSN).toBe(0xffffffff);
  expect(response(legs, 0xffffffff, true).statSN).toBe(0);
  expect(request(legs, 1).expStatSN).toBe(0);
  expect(response(legs, 0, true).statSN).toBe(1);
  expect(request(legs, 2).expStatSN).toBe(1);
});

test('what does not advance shows the next number and leaves it', () => {
  const legs = new Legs(1000, 500);
  expect(response(legs, 500, false).statSN).toBe(1000);
  expect(response(legs, 500, false).statSN).toBe(1000);
  expect(request(legs, 1000).expStatSN).toBe(500);
  expect(response(legs, 500, true).statSN).toBe(1000);
});

test('legs that agree change nothing', () => {
  const legs = new Legs(7, 7);
  expect(response(legs, 7, true)).toEqual({ changed: false, statSN: 7 });
  expect(request(legs, 8)).toEqual({ changed: false, expStatSN: 8 });
});

test('what the initiator said last is remembered', () => {
  const legs = new Legs(1000, 500);
  expect(legs.initiatorExpStatSN).toBe(1000);
  request(legs, 998);
  expect(legs.initiatorExpStatSN).toBe(998);
});

test('a header is patched where it stands', () => {
  const legs = new Legs(1000, 500);
  const bytes = Buffer.alloc(100, 0xee);
  legs.patchResponse(bytes, 40, true);
  expect(bytes.readUInt32BE(64)).toBe(1000);
  expect(bytes.filter((byte) => byte !== 0xee)).toHaveLength(4);
});
