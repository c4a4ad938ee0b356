import { expect, test } from 'vitest';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodePdu, NO_DIGESTS, wirePdu, type Digests, type Pdu } from '../../../src/iscsi/pdu.ts';
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
        absorbed: () => {},
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
      absorbed: () => {},
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

/** A stream that absorbs Data-Out, collects Text and passes the rest, and a log of what it did. */
function mixed(digests: Digests): { stream: PduStream; log: string[] } {
  const log: string[] = [];
  const stream = new PduStream(
    {
      header: (bytes, at) => {
        const opcode = bytes[at]!;
        if (opcode === 0x05) return Disposition.absorb;
        return opcode === 0x04 ? Disposition.collect : Disposition.pass;
      },
      collected: ({ data }) => void log.push(`collected ${data.toString()}`),
      absorbed: () => void log.push('absorbed'),
      pass: (view) => {
        if (log.at(-1)?.startsWith('passed ') === true) log.push(`${log.pop()}${view.toString('hex')}`);
        else log.push(`passed ${view.toString('hex')}`);
      },
    },
    { digests, maxDataSegmentLength: 8192, maxCollectedLength: 8192 },
  );
  return { stream, log };
}

const DIGEST_CASES = [NO_DIGESTS, { header: true, data: false }, { header: false, data: true }, BOTH];

test.each(DIGEST_CASES)('what is absorbed leaves no byte behind, however it is cut (%j)', (digests) => {
  const before = ping(digests);
  const ahs = wirePdu(encodeBhs('scsiCommand', {}), Buffer.alloc(8, 0xab), Buffer.from('x'), digests);
  const parts = [
    before,
    encodePdu('dataOut', {}, Buffer.alloc(301, 0xee), digests),
    encodePdu('dataOut', {}, Buffer.alloc(0), digests),
    ahs,
    encodePdu('textRequest', {}, Buffer.from('A=1'), digests),
    encodePdu('dataOut', {}, Buffer.alloc(4, 0xee), digests),
    before,
  ];
  const expected = [
    `passed ${before.toString('hex')}`,
    'absorbed',
    'absorbed',
    `passed ${ahs.toString('hex')}`,
    'collected A=1',
    'absorbed',
    `passed ${before.toString('hex')}`,
  ];
  for (const size of [1, 2, 3, 7, 47, 48, 49, 51, 52, 53, 56, 100, 301, 1000, 10000]) {
    const { stream, log } = mixed(digests);
    const wire = Buffer.concat(parts);
    for (let at = 0; at < wire.length; at += size) stream.push(Buffer.from(wire.subarray(at, at + size)));
    expect(log, `chunks of ${size}`).toEqual(expected);
    expect(stream.isAtBoundary).toBe(true);
  }
});

test('absorbing is told with the header, not with the end of the data', () => {
  const { stream, log } = mixed(BOTH);
  const wire = encodePdu('dataOut', {}, Buffer.alloc(512), BOTH);
  stream.push(Buffer.from(wire.subarray(0, 51)));
  expect(log).toEqual([]);
  stream.push(Buffer.from(wire.subarray(51, 52)));
  expect(log).toEqual(['absorbed']);
  stream.push(Buffer.from(wire.subarray(52)));
  expect(log).toEqual(['absorbed']);
});

test('what is absorbed may be longer than what is collected, and its data digest is nobody’s business', () => {
  const stream = new Recorded(Disposition.absorb, { digests: BOTH, maxCollectedLength: 16 });
  const wire = encodePdu('dataOut', {}, Buffer.alloc(512), BOTH);
  wire[wire.length - 1]! ^= 1;
  stream.stream.push(wire);
  expect(stream.views).toHaveLength(0);
  expect(stream.stream.isAtBoundary).toBe(true);
});

test('between two PDUs is now', () => {
  const { stream, log } = mixed(NO_DIGESTS);
  stream.atBoundary(() => log.push('own'));
  stream.push(encodePdu('nopOut', {}));
  stream.atBoundary(() => log.push('own'));
  expect(log.map((line) => line.split(' ')[0])).toEqual(['own', 'passed', 'own']);
});

test.each([48, 49, 55, 559, 563])('in the middle of a PDU (%i bytes) is at its end', (cut) => {
  const { stream, log } = mixed(BOTH);
  const wire = encodePdu('dataIn', {}, Buffer.alloc(512), BOTH);
  const next = encodePdu('nopIn', {}, undefined, BOTH);
  stream.push(Buffer.from(wire.subarray(0, Math.max(cut, 52))));
  stream.atBoundary(() => log.push('first'));
  stream.atBoundary(() => log.push('second'));
  expect(log).toHaveLength(1);
  stream.push(Buffer.concat([wire.subarray(Math.max(cut, 52)), next]));
  expect(log).toEqual([
    `passed ${wire.toString('hex')}`,
    'first',
    'second',
    `passed ${next.toString('hex')}`,
  ]);
});

test('before the header of a PDU is whole is before that PDU', () => {
  const { stream, log } = mixed(BOTH);
  const wire = encodePdu('dataIn', {}, Buffer.alloc(512), BOTH);
  stream.push(Buffer.from(wire.subarray(0, 51)));
  stream.atBoundary(() => log.push('own'));
  stream.push(Buffer.from(wire.subarray(51)));
  expect(log).toEqual(['own', `passed ${wire.toString('hex')}`]);
});

test.each(['dataOut', 'textRequest'] as const)('in the middle of a held-back PDU is now: %s', (kind) => {
  const { stream, log } = mixed(NO_DIGESTS);
  const wire = encodePdu(kind, {}, Buffer.from('A=1234'));
  stream.push(Buffer.from(wire.subarray(0, 50)));
  stream.atBoundary(() => log.push('own'));
  expect(log.at(-1)).toBe('own');
  stream.push(Buffer.from(wire.subarray(50)));
  expect(log.filter((line) => line === 'own')).toHaveLength(1);
});
