import { expect, test } from 'vitest';
import { dialFirst } from '../../../src/transport/dial.ts';

const portals = [
  { host: '192.0.2.1', port: 3260 },
  { host: '192.0.2.2', port: 3260 },
];

/** Never answers. */
const hang = (_: unknown, signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const fail = (): void => reject(new Error('timed out'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail);
  });

test('portals that do not answer are named with the time that each was given', async () => {
  await expect(dialFirst(portals, 10, hang)).rejects.toMatchObject({
    reasons: ['192.0.2.1:3260: no answer within 0.01 s', '192.0.2.2:3260: no answer within 0.01 s'],
  });
});

test('who gives up waits for none of them, and does not say that they were too slow', async () => {
  const gone = new AbortController();
  const dialling = dialFirst(portals, 3_600_000, hang, gone.signal);
  gone.abort();
  await expect(dialling).rejects.toMatchObject({
    reasons: ['192.0.2.1:3260: timed out', '192.0.2.2:3260: timed out'],
  });
});
