import { expect, test } from 'vitest';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { encodeSenseSegment } from '../../../src/iscsi/scsiResponse.ts';
import { cdb10, Recorded } from '../../support/recorded.ts';

const checkCondition = { status: 0x02 };

test('commands are counted by class, and are in flight until their status', () => {
  const recorded = new Recorded()
    .command()
    .command({ tag: 2, cdb: cdb10(0x2a) })
    .command({ tag: 3 });
  recorded.command({ tag: 4, cdb: cdb10(0x12), length: 0 });
  const figures = () =>
    (['read', 'write', 'other'] as const).map((name) => {
      const { commands, inFlight } = recorded.io(name);
      return [commands, inFlight];
    });
  expect(figures()).toEqual([
    [2, 2],
    [1, 1],
    [1, 1],
  ]);
  recorded.dataIn().response({ initiatorTaskTag: 2 }).response({ initiatorTaskTag: 4 });
  expect(figures()).toEqual([
    [2, 1],
    [1, 0],
    [1, 0],
  ]);
});

test.each([
  ['all of it', {}, 4096],
  ['less, by underflow', { underflow: true, residualCount: 1000 }, 3096],
  ['all of it, where the target had more', { overflow: true, residualCount: 1000 }, 4096],
  ['nothing, where the residual makes no sense', { underflow: true, residualCount: 5000 }, 0],
])('bytes are what was moved: %s', (_, fields, bytes) => {
  expect(new Recorded().command().response(fields).io('read').bytes).toBe(bytes);
  expect(new Recorded().command().dataIn(fields).io('read').bytes).toBe(bytes);
});

test('a command that neither reads nor writes by its flags moves nothing, whatever length it names', () => {
  const recorded = new Recorded().command({ flags: { read: false, write: false } }).response();
  expect(recorded.io('read').bytes).toBe(0);
});

test('sizes are those that commands ask for, and only of reads and writes', () => {
  const recorded = new Recorded();
  for (const [tag, length] of [512, 4096, 4097, 1 << 23].entries()) recorded.command({ tag, length });
  recorded.command({ tag: 9, cdb: cdb10(0x12), length: 255 });
  const { counts, sum, count } = recorded.io('read').size;
  expect(counts).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  expect([sum, count]).toEqual([512 + 4096 + 4097 + (1 << 23), 4]);
  expect(recorded.io('other').size.count).toBe(0);
});

test.each([
  ['fixed format', '70000300000000', 'medium-error'],
  ['fixed format, deferred', 'f1000b00000000', 'aborted-command'],
  ['descriptor format', '720e1d0000000000', 'miscompare'],
  ['no format that we know', '7f050505', 'none'],
])('the sense key of a CHECK CONDITION is counted: %s', (_, sense, senseKey) => {
  const recorded = new Recorded().command();
  recorded.response(checkCondition, encodeSenseSegment(Buffer.from(sense, 'hex')));
  expect(recorded.io('read').failures).toEqual([{ status: 'check-condition', senseKey, count: 1 }]);
});

test.each([
  ['check-condition', checkCondition],
  ['busy', { status: 0x08 }],
  ['reservation-conflict', { status: 0x18 }],
  ['task-set-full', { status: 0x28 }],
  ['aca-active', { status: 0x30 }],
  ['task-aborted', { status: 0x40 }],
  ['other', { status: 0x22 }],
  ['target-failure', { response: 1 }],
])('a status that is a failure is counted: %s', (status, fields) => {
  const recorded = new Recorded().command().response(fields);
  expect(recorded.io('read').failures).toEqual([{ status, senseKey: 'none', count: 1 }]);
});

test('GOOD and CONDITION MET are no failures, and what is reserved in a Data-In is no response', () => {
  const recorded = new Recorded().command().response({ status: 0x04 }).command().response();
  const dataIn = encodeBhs('dataIn', { initiatorTaskTag: 1, hasStatus: true });
  dataIn[2] = 1;
  recorded.command().recorder.status(dataIn, 0, recorded.taskOf(1));
  expect(recorded.io('read').failures).toEqual([]);
  expect(recorded.io('read').bytes).toBe(3 * 4096);
});

test('a target that fails has moved nothing', () => {
  expect(new Recorded().command().response({ response: 1 }).io('read').bytes).toBe(0);
});

test('only what says more than its status is worth waiting for', () => {
  const { recorder } = new Recorded();
  const response = (status: number, length: number) => {
    const bhs = encodeBhs('scsiResponse', { status });
    bhs.writeUIntBE(length, 5, 3);
    return recorder.wantsData(bhs, 0);
  };
  expect([response(2, 20), response(2, 2), response(2, 1025), response(0, 20)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('a command that begins where another one of its direction ended is sequential', () => {
  const recorded = new Recorded();
  for (const [tag, lba] of [0, 8, 16, 100, 24].entries()) recorded.command({ tag, cdb: cdb10(0x28, lba) });
  recorded.command({ tag: 9, cdb: cdb10(0x2a, 32) });
  recorded.command({ tag: 10, lun: 1, cdb: cdb10(0x28, 32) });
  expect(recorded.io('read').sequential).toBe(3);
  expect(recorded.io('write').sequential).toBe(0);
  expect(recorded.io('read', '1').sequential).toBe(0);
});

test.each([
  [4, 4],
  [5, 0],
])('%i streams side by side: %i sequential', (streams, sequential) => {
  const recorded = new Recorded();
  for (let i = 0; i < 2; i++) {
    for (let n = 0; n < streams; n++) {
      recorded.command({ tag: 10 * i + n, cdb: cdb10(0x28, 1000 * n + 8 * i) });
    }
  }
  expect(recorded.io('read').sequential).toBe(sequential);
});

test('a command without a range is no part of a stream', () => {
  const read32 = Buffer.from('7f000000000000180009200000000001', 'hex');
  const recorded = new Recorded();
  for (let tag = 0; tag < 3; tag++) recorded.command({ tag, cdb: read32 });
  for (let tag = 3; tag < 6; tag++) recorded.command({ tag, cdb: cdb10(0x28, 100, 0) });
  expect(recorded.io('read')).toMatchObject({ commands: 6, sequential: 0 });
});

test('what is still under way when the session ends is in flight no more, and was aborted', () => {
  const recorded = new Recorded().command().command({ tag: 2, cdb: cdb10(0x2a) });
  recorded.recorder.close();
  recorded.recorder.close();
  expect(recorded.io('read')).toMatchObject({ commands: 1, inFlight: 0, aborted: 1 });
  expect(recorded.io('write')).toMatchObject({ commands: 1, inFlight: 0, aborted: 1 });
  expect(recorded.nexus.sessions).toBe(0);
});

test('a tag that its target forgot may be used again', () => {
  const recorded = new Recorded().command().pass(5).command().pass(3).response();
  expect(recorded.io('read')).toMatchObject({ commands: 2, inFlight: 0, aborted: 1 });
  expect(recorded.io('read').duration.sum).toBeCloseTo(0.003);
});

test('a status that nobody waits for changes nothing', () => {
  const recorded = new Recorded().command().response({ initiatorTaskTag: 5 }).response().response();
  expect(recorded.io('read')).toMatchObject({ inFlight: 0, duration: { count: 1 } });
});

test('commands beyond what a session can have under way are counted, not timed, and told', () => {
  const recorded = new Recorded();
  for (let tag = 0; tag < 4100; tag++) recorded.command({ tag });
  for (let tag = 0; tag < 4100; tag++) recorded.response({ initiatorTaskTag: tag });
  expect(recorded.io('read')).toMatchObject({ commands: 4100, bytes: 4100 * 4096, inFlight: 0, untimed: 4 });
  expect(recorded.io('read').duration.count).toBe(4096);
});

test('a command that the target rejects is over', () => {
  const recorded = new Recorded().command();
  recorded.rejected(encodeBhs('scsiCommand', { initiatorTaskTag: 1 }));
  expect(recorded.io('read')).toMatchObject({ inFlight: 0, aborted: 1 });
  recorded.command().rejected(encodeBhs('scsiCommand', { initiatorTaskTag: 1 }).subarray(0, 40));
  expect(recorded.io('read').inFlight).toBe(1);
});

test('where there is no command, nothing is aborted', () => {
  const recorded = new Recorded({ maxAccounts: 0 }).command();
  recorded.rejected(encodeBhs('scsiCommand', { initiatorTaskTag: 5 }));
  recorded.recorder.close();
  expect(recorded.io('read', 'other')).toMatchObject({ commands: 1, bytes: 0, aborted: 1, inFlight: 0 });
});

test('digest errors are counted by whose PDU it was, also where the target found it', () => {
  const recorded = new Recorded();
  recorded.recorder.digestError('target');
  recorded.rejected(Buffer.alloc(48), 2).rejected(Buffer.alloc(48), 9);
  expect(recorded.nexus.sides).toMatchObject({ initiator: { digestErrors: 1 }, target: { digestErrors: 1 } });
});

test('denials are counted by kind, apart from those that only would have been', () => {
  const recorded = new Recorded();
  recorded.recorder.denied('write-protected', true);
  recorded.recorder.denied('write-protected', true);
  recorded.recorder.denied('hidden-lun', false);
  const { denials } = recorded.nexus;
  expect(denials).toHaveLength(10);
  expect(denials.filter(({ count }) => count > 0)).toEqual([
    { kind: 'hidden-lun', enforced: false, count: 1 },
    { kind: 'write-protected', enforced: true, count: 2 },
  ]);
});
