import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { Anteroom } from '../../../src/gateway/anteroom.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const C = '192.0.2.3';

function refusal(anteroom: Anteroom, address: string): Failure {
  try {
    anteroom.enter(address);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it was let in');
}

test('one address has so many places and no more, whatever others have', () => {
  const anteroom = new Anteroom({ unauthenticated: 10, unauthenticatedPerAddress: 2 });
  anteroom.enter(A);
  anteroom.enter(A);
  const failure = refusal(anteroom, A);
  expect(failure).toMatchObject({ reason: 'too_many_connections', wire: 'close' });
  expect(failure.message).toContain('limits.unauthenticatedPerAddress');
  anteroom.enter(B);
  expect(anteroom.size).toBe(3);
});

test('all addresses together have so many places and no more', () => {
  const anteroom = new Anteroom({ unauthenticated: 2, unauthenticatedPerAddress: 2 });
  anteroom.enter(A);
  anteroom.enter(B);
  expect(refusal(anteroom, C).message).toContain('(limits.unauthenticated)');
});

test('a place is free again once somebody leaves, and leaving twice frees one', () => {
  const anteroom = new Anteroom({ unauthenticated: 2, unauthenticatedPerAddress: 2 });
  const leave = anteroom.enter(A);
  anteroom.enter(A);
  leave();
  leave();
  expect(anteroom.size).toBe(1);
  anteroom.enter(A);
  refusal(anteroom, A);
});

test('who was refused takes no place', () => {
  const anteroom = new Anteroom({ unauthenticated: 1, unauthenticatedPerAddress: 1 });
  const leave = anteroom.enter(A);
  for (let i = 0; i < 5; i++) refusal(anteroom, A);
  leave();
  expect(anteroom.size).toBe(0);
  anteroom.enter(A);
});
