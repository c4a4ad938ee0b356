import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { Anteroom } from '../../../src/gateway/anteroom.ts';

const LIMITS = {
  unauthenticated: 10,
  unauthenticatedPerAddress: 10,
  waiting: 3,
  waitingPerCertificate: 2,
};
const A = '192.0.2.1';
const B = '192.0.2.2';
const C = '192.0.2.3';

function refusal(anteroom: Anteroom, address: string): Failure {
  try {
    anteroom.enter(address);
  } catch (error) {
    if (error instanceof Failure) return error;
  }
  throw new Error('it was let in');
}

test('so many connections from one address are taken, and no more', () => {
  const anteroom = new Anteroom({ ...LIMITS, unauthenticatedPerAddress: 2 });
  anteroom.enter(A);
  anteroom.enter(A);
  const failure = refusal(anteroom, A);
  expect(failure.reason).toBe('too_many_connections');
  expect(failure.message).toContain(
    `2 connections from ${A} are before authentication, no more are taken (limits.unauthenticatedPerAddress)`,
  );
  anteroom.enter(B);
  expect(anteroom.strangers).toBe(3);
});

test('the addresses of one IPv6 network of 64 bits count as one, and those of another by themselves', () => {
  const anteroom = new Anteroom({ ...LIMITS, unauthenticatedPerAddress: 2 });
  anteroom.enter('2001:db8:1:2::1');
  const { leave } = anteroom.enter('2001:db8:1:2:3:4:5:6');
  expect(refusal(anteroom, '2001:db8:1:2::3').message).toContain(
    '2 connections from 2001:db8:1:2::/64 are before authentication',
  );
  anteroom.enter('2001:db8:1:3::1');
  leave();
  anteroom.enter('2001:db8:1:2::3');
});

test('an IPv4 address counts as itself in its mapped form too', () => {
  const anteroom = new Anteroom({ ...LIMITS, unauthenticatedPerAddress: 1 });
  anteroom.enter(`::ffff:${A}`);
  refusal(anteroom, A);
  anteroom.enter(`::ffff:${B}`);
});

test('so many connections in total are taken, whatever address they come from', () => {
  const anteroom = new Anteroom({ ...LIMITS, unauthenticated: 2, unauthenticatedPerAddress: 2 });
  anteroom.enter(A);
  anteroom.enter(B);
  expect(refusal(anteroom, C).message).toContain(
    '2 connections are before authentication, no more are taken (limits.unauthenticated)',
  );
});

test('whoever leaves makes room, and leaving twice makes room once', () => {
  const anteroom = new Anteroom({ ...LIMITS, unauthenticated: 2, unauthenticatedPerAddress: 2 });
  const { leave } = anteroom.enter(A);
  anteroom.enter(A);
  leave();
  leave();
  expect(anteroom.strangers).toBe(1);
  anteroom.enter(A);
  refusal(anteroom, A);
});

test('who was refused has taken no room', () => {
  const anteroom = new Anteroom({ ...LIMITS, unauthenticated: 1, unauthenticatedPerAddress: 1 });
  const { leave } = anteroom.enter(A);
  for (let i = 0; i < 5; i++) refusal(anteroom, A);
  leave();
  expect(anteroom.strangers).toBe(0);
  anteroom.enter(A);
});

test('there are so many places to wait in total, and so many with one certificate', () => {
  const anteroom = new Anteroom(LIMITS);
  const taken = ['a', 'a', 'a', 'b', 'c'].map((sha256) => anteroom.enter(A).wait(sha256));
  expect(taken).toEqual([true, true, false, true, false]);
  expect(anteroom.waiting).toBe(3);
  expect(anteroom.turnedAway).toBe(2);
});

test('who gets a place to wait is no stranger any more, and who gets none stays one', () => {
  const anteroom = new Anteroom({ ...LIMITS, waiting: 1 });
  const [first, second] = [anteroom.enter(A), anteroom.enter(A)];
  first.wait('a');
  expect(anteroom.strangers).toBe(1);
  second.wait('a');
  expect(anteroom.strangers).toBe(1);
  second.leave();
  expect(anteroom.strangers).toBe(0);
});

test('a place to wait is free again when it is left, and leaving twice frees one', () => {
  const anteroom = new Anteroom({ ...LIMITS, waitingPerCertificate: 3 });
  const first = anteroom.enter(A);
  first.wait('a');
  anteroom.enter(A).wait('a');
  first.leave();
  first.leave();
  expect(anteroom.waiting).toBe(1);
  expect(anteroom.strangers).toBe(0);
});

test('whoever has gone gets no place to wait, and was not turned away', () => {
  const anteroom = new Anteroom(LIMITS);
  const gone = anteroom.enter(A);
  gone.leave();
  expect(gone.wait('a')).toBe(false);
  expect(anteroom.waiting).toBe(0);
  expect(anteroom.turnedAway).toBe(0);
});

test('new limits hold for whoever comes then', () => {
  const anteroom = new Anteroom(LIMITS);
  anteroom.enter(A).wait('a');
  const late = anteroom.enter(A);
  anteroom.use({ ...LIMITS, unauthenticated: 1, waiting: 1 });
  expect(late.wait('b')).toBe(false);
  expect(refusal(anteroom, B).message).toContain('(limits.unauthenticated)');
  expect(anteroom.waiting).toBe(1);
});
