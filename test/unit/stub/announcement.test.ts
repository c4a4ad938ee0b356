import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Announcement } from '../../../src/stub/announcement.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

function announce(): { announcement: Announcement; alone: string[] } {
  const alone: string[] = [];
  const announcement = new Announcement(Buffer.from('header '), (bytes) => alone.push(String(bytes)));
  return { announcement, alone };
}

test('the header goes with the first bytes, and with no others', () => {
  const { announcement, alone } = announce();
  expect(String(announcement.before(Buffer.from('one')))).toBe('header one');
  expect(String(announcement.before(Buffer.from('two')))).toBe('two');
  vi.advanceTimersByTime(10_000);
  expect(alone).toEqual([]);
});

test('the header of an initiator that says nothing goes alone, once', () => {
  const { announcement, alone } = announce();
  vi.advanceTimersByTime(10_000);
  expect(alone).toEqual(['header ']);
  expect(String(announcement.before(Buffer.from('one')))).toBe('one');
});

test('nothing is sent any more once the tunnel is gone', () => {
  const { announcement, alone } = announce();
  announcement.cancel();
  vi.advanceTimersByTime(10_000);
  expect(alone).toEqual([]);
});
