import { expect, test } from 'vitest';
import { encodePdu, NO_DIGESTS, type Digests, type Pdu } from '../../../src/iscsi/pdu.ts';
import {
  Disposition,
  PduStream,
  type DispositionValue,
  type PduStreamOptions,
} from '../../../src/iscsi/pduStream.ts';
import { expectProtocolError } from '../../support/protocolErrors.ts';
import { conversations } from '../../support/vectors.ts';

const BOTH = { header: true, data: true };

/** A stream that remembers what came out of it. */
class Recorded {
  readonly views: Buffer[] = [];
  readonly headers: Buffer[] = [];
  readonly collected: Pdu[] = [];
  readonly stream: PduStream;

  constructor(disposition: DispositionValue, options: Partial<PduStreamOptions> = {}) {
    this.stream = new PduStream(
      {
        header: (bytes, at) => {
          if (disposition === Disposition.passPatched) bytes[at + 31] = 0x99;
          this.headers.push(Buffer.from(bytes.subarray(at, at + 48)));
          return disposition;
        },
        collected: (pdu) => void this.collected.push(pdu),
        pass: (view) => void this.views.push(view),
      },
      { digests: NO_DIGESTS, maxDataSegmentLength: 8192, maxCollectedLength: 8192, ...options },
    );
  }
}

const ping = (digests: Digests = NO_DIGESTS) =>
  encodePdu('nopOut', { final: true, initiatorTaskTag: 7 }, Buffer.from('ping'), digests);

test.each(conversations)('$name passes byte by byte', ({ pdus, digests }) => {
  for (const side of ['initiator', 'target'] as const) {
    const sent = pdus.filter(({ from }) => from === side).map(({ wire }) => wire);
    const { stream, views, headers } = new Recorded(Disposition.pass, { digests });
    for (const byte of Buffer.concat(sent)) stream.push(Buffer.from([byte]));
    expect(Buffer.concat(views).equals(Buffer.concat(sent))).toBe(true);
    expect(headers.map((bhs) => bhs.toString('hex'))).toEqual(
      sent.map((wire) => wire.subarray(0, 48).toString('hex')),
    );
  }
});

test('a chunk of whole PDUs goes on as itself', () => {
  const { stream, views, headers } = new Recorded(Disposition.pass);
  const chunk = Buffer.concat([ping(), ping(), ping()]);
  stream.push(chunk);
  expect(headers).toHaveLength(3);
  expect(views).toHaveLength(1);
  expect(views[0]).toBe(chunk);
});

test('data is passed as a view into the chunk, not copied', () => {
  const { stream, views } = new Recorded(Disposition.pass);
  const wire = encodePdu('dataIn', {}, Buffer.alloc(4096, 'x'));
  stream.push(Buffer.from(wire.subarray(0, 1000)));
  const chunk = Buffer.from(wire.subarray(1000));
  stream.push(chunk);
  expect(views[1]).toBe(chunk);
});

test('only a header that is cut waits', () => {
  const { stream, views } = new Recorded(Disposition.pass);
  const wire = encodePdu('dataIn', {}, Buffer.alloc(8, 'x'));
  stream.push(Buffer.from(wire.subarray(0, 47)));
  expect(views).toHaveLength(0);
  stream.push(Buffer.from(wire.subarray(47, 50)));
  expect(Buffer.concat(views).equals(wire.subarray(0, 50))).toBe(true);
});

test.each([1, 47, 48, 49, 51, 52, 1000])('a patched header has its digest anew, in chunks of %i', (size) => {
  const { stream, views } = new Recorded(Disposition.passPatched, { digests: BOTH });
  const sent = Buffer.concat([ping(BOTH), ping(BOTH)]);
  for (let at = 0; at < sent.length; at += size) stream.push(Buffer.from(sent.subarray(at, at + size)));
  const expected = encodePdu(
    'nopOut',
    { final: true, initiatorTaskTag: 7, expStatSN: 0x99 },
    Buffer.from('ping'),
    BOTH,
  );
  expect(Buffer.concat(views).equals(Buffer.concat([expected, expected]))).toBe(true);
});

test('a header that passes as it came keeps its digest', () => {
  const { stream, views } = new Recorded(Disposition.pass, { digests: BOTH });
  stream.push(ping(BOTH));
  expect(Buffer.concat(views).equals(ping(BOTH))).toBe(true);
});

test('a collected PDU does not go on; what stands around it does, in order', () => {
  const log: string[] = [];
  const stream = new PduStream(
    {
      header: (bytes, at) => (bytes[at + 19] === 2 ? Disposition.collect : Disposition.pass),
      collected: ({ data }) => void log.push(`collected ${data.toString()}`),
      pass: (view) => void log.push(`passed ${view.length}`),
    },
    { digests: NO_DIGESTS, maxDataSegmentLength: 8192, maxCollectedLength: 8192 },
  );
  stream.push(
    Buffer.concat([
      encodePdu('nopOut', { initiatorTaskTag: 1 }),
      encodePdu('textRequest', { initiatorTaskTag: 2 }, Buffer.from('A=1')),
      encodePdu('textRequest', { initiatorTaskTag: 2 }),
      encodePdu('nopOut', { initiatorTaskTag: 3 }, Buffer.from('ping')),
    ]),
  );
  expect(log).toEqual(['passed 48', 'collected A=1', 'collected ', 'passed 52']);
});

test('the stream may end between PDUs only', () => {
  for (const disposition of [Disposition.pass, Disposition.collect]) {
    const { stream } = new Recorded(disposition);
    const wire = ping();
    expect(stream.isAtBoundary).toBe(true);
    for (let at = 0; at < wire.length; at++) {
      stream.push(Buffer.from(wire.subarray(at, at + 1)));
      expect(stream.isAtBoundary).toBe(at === wire.length - 1);
    }
  }
});

test('a header digest that is wrong stops the stream before the header is looked at', () => {
  const wire = ping(BOTH);
  wire[20]! ^= 1;
  const { stream, headers, views } = new Recorded(Disposition.pass, { digests: BOTH });
  expectProtocolError('header_digest', () => stream.push(wire));
  expect(headers).toHaveLength(0);
  expect(views).toHaveLength(0);
});

test('a data digest is verified for what is collected, and for nothing else', () => {
  const wire = ping(BOTH);
  wire[wire.length - 1]! ^= 1;
  const passed = new Recorded(Disposition.pass, { digests: BOTH });
  passed.stream.push(Buffer.from(wire));
  expect(Buffer.concat(passed.views).equals(wire)).toBe(true);
  expectProtocolError('data_digest', () =>
    new Recorded(Disposition.collect, { digests: BOTH }).stream.push(wire),
  );
});

test('the bound on data holds from the header on, and may be moved', () => {
  const { stream } = new Recorded(Disposition.pass, { maxDataSegmentLength: 512 });
  stream.push(encodePdu('dataOut', {}, Buffer.alloc(512)));
  stream.maxDataSegmentLength = 1024;
  stream.push(encodePdu('dataOut', {}, Buffer.alloc(1024)));
  const header = encodePdu('dataOut', {}, Buffer.alloc(1025)).subarray(0, 48);
  expectProtocolError('data_segment_too_long', () => stream.push(header));
});

test('what is collected has a bound of its own', () => {
  const options = { maxDataSegmentLength: 65536, maxCollectedLength: 512 };
  new Recorded(Disposition.pass, options).stream.push(encodePdu('dataOut', {}, Buffer.alloc(513)));
  const header = encodePdu('textRequest', {}, Buffer.alloc(513)).subarray(0, 48);
  expectProtocolError('data_segment_too_long', () =>
    new Recorded(Disposition.collect, options).stream.push(header),
  );
});
