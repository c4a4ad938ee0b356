import { expect, test } from 'vitest';
import { WaitingPlaces, type Place } from '../../../src/gateway/waitingPlaces.ts';

const LIMITS = { waiting: 3, waitingPerCertificate: 2 };

/** A connection, and how often it has left the anteroom. */
function connection(places: WaitingPlaces): Place & { readonly left: () => number } {
  let left = 0;
  return { ...places.placeOf(() => left++), left: () => left };
}

test('there are so many places in total, and so many with one certificate', () => {
  const places = new WaitingPlaces(LIMITS);
  const taken = ['a', 'a', 'a', 'b', 'c'].map((sha256) => connection(places).wait(sha256));
  expect(taken).toEqual([true, true, false, true, false]);
  expect(places.size).toBe(3);
});

test('who gets a place leaves the anteroom, and who gets none stays there', () => {
  const places = new WaitingPlaces({ ...LIMITS, waiting: 1 });
  const first = connection(places);
  const second = connection(places);
  first.wait('a');
  second.wait('a');
  expect([first.left(), second.left()]).toEqual([1, 0]);
  second.leave();
  expect(second.left()).toBe(1);
});

test('a place is free again when it is left, and leaving twice frees one', () => {
  const places = new WaitingPlaces({ ...LIMITS, waitingPerCertificate: 3 });
  const first = connection(places);
  first.wait('a');
  connection(places).wait('a');
  first.leave();
  first.leave();
  expect(places.size).toBe(1);
  expect(first.left()).toBe(1);
});

test('whoever has gone gets no place', () => {
  const places = new WaitingPlaces(LIMITS);
  const gone = connection(places);
  gone.leave();
  expect(gone.wait('a')).toBe(false);
  expect(places.size).toBe(0);
});

test('new limits hold for whoever comes then', () => {
  const places = new WaitingPlaces(LIMITS);
  connection(places).wait('a');
  places.limits = { waiting: 1, waitingPerCertificate: 1 };
  expect(connection(places).wait('b')).toBe(false);
  expect(places.size).toBe(1);
});
