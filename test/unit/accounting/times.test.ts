import { expect, test } from 'vitest';
import { DURATION_BOUNDS } from '../../../src/accounting/buckets.ts';
import type { ClassSnapshot } from '../../../src/accounting/snapshot.ts';
import { encodeBhs } from '../../../src/iscsi/layouts.ts';
import { cdb10, Recorded } from '../../support/recorded.ts';

const WRITE = { cdb: cdb10(0x2a) };

const ms = (seconds: number): number => Math.round(seconds * 1e6) / 1e3;

/** Sums in ms, so that rounding shows nothing. */
function times(io: ClassSnapshot) {
  return {
    all: ms(io.duration.sum),
    target: ms(io.targetDuration.sum),
    initiator: ms(io.initiatorWaitSeconds),
    r2t: ms(io.r2tWaitSeconds),
    gateway: ms(io.gatewaySeconds),
  };
}

test('a read is all the time with the target', () => {
  const recorded = new Recorded().command().pass(20).dataIn();
  expect(times(recorded.io('read'))).toMatchObject({ all: 20, target: 20, initiator: 0 });
});

test('a write that the target asks data for: 20 ms of the target, 20 ms of the initiator', () => {
  const recorded = new Recorded().command(WRITE).pass(5).r2t().pass(20).dataOut().pass(15).response();
  expect(times(recorded.io('write'))).toMatchObject({ all: 40, target: 20, initiator: 20, r2t: 20 });
  expect(recorded.io('write').r2ts).toBe(1);
});

test('a Data-Out that is not the last of its burst does not pass the ball', () => {
  const recorded = new Recorded().command(WRITE).r2t().pass(10).dataOut({ final: false }).pass(10);
  recorded.dataOut().pass(1).response();
  expect(times(recorded.io('write'))).toMatchObject({ all: 21, target: 1, initiator: 20 });
});

test('one R2T after the other', () => {
  const recorded = new Recorded().command(WRITE);
  for (let i = 0; i < 3; i++) recorded.pass(1).r2t().pass(10).dataOut();
  recorded.pass(1).response();
  expect(times(recorded.io('write'))).toMatchObject({ all: 34, target: 4, initiator: 30, r2t: 30 });
});

test('with several R2Ts open the ball is with the initiator as long as any is', () => {
  const recorded = new Recorded().command(WRITE).pass(1).r2t().pass(2).r2t().pass(4).dataOut().pass(8);
  recorded.dataOut().pass(16).response();
  expect(times(recorded.io('write'))).toMatchObject({ all: 31, target: 17, initiator: 14, r2t: 14 });
});

test('unsolicited data is awaited from the initiator, without an R2T', () => {
  const recorded = new Recorded()
    .command({ ...WRITE, awaitsData: true })
    .pass(10)
    .unsolicited();
  recorded.pass(3).response();
  expect(times(recorded.io('write'))).toMatchObject({ all: 13, target: 3, initiator: 10, r2t: 0 });
});

test('an R2T while unsolicited data is on its way', () => {
  const recorded = new Recorded()
    .command({ ...WRITE, awaitsData: true })
    .pass(1)
    .r2t()
    .pass(2);
  recorded.unsolicited().pass(4).dataOut().pass(8).response();
  expect(times(recorded.io('write'))).toMatchObject({ all: 15, target: 8, initiator: 7, r2t: 6 });
});

test('a status that comes before the data ends the wait for it', () => {
  const recorded = new Recorded().command(WRITE).r2t().pass(10).response({ status: 2 }).pass(5).dataOut();
  expect(times(recorded.io('write'))).toMatchObject({ all: 10, target: 0, initiator: 10 });
});

test("data that nobody asked for turns nothing to the initiator's favour", () => {
  const recorded = new Recorded().command(WRITE).pass(5).dataOut().dataOut().r2t().pass(7).dataOut();
  recorded.pass(1).response();
  expect(times(recorded.io('write'))).toMatchObject({ all: 13, target: 6, initiator: 7 });
});

test('durations fall into the bucket of the first bound that holds them', () => {
  const recorded = new Recorded();
  for (const ms of [0.09, 0.11, 20, 9999, 10_001]) recorded.command().pass(ms).dataIn();
  const { counts, bounds } = recorded.io('read').duration;
  const filled = counts.flatMap((count, i) => (count > 0 ? [[bounds[i] ?? Infinity, count]] : []));
  expect(filled).toEqual([
    [0.0001, 1],
    [0.00025, 1],
    [0.025, 1],
    [10, 1],
    [Infinity, 1],
  ]);
  expect(bounds).toBe(DURATION_BOUNDS);
});

test("the gateway's time of a chunk is shared by its commands, and is nobody else's", () => {
  const recorded = new Recorded();
  const { recorder } = recorded;
  const command = (tag: number, cdb: Buffer) => {
    const bhs = encodeBhs('scsiCommand', { initiatorTaskTag: tag, final: true, cdb });
    recorder.command(bhs, 0, recorded.newTask(tag));
  };
  recorder.beginChunk();
  command(1, cdb10(0x28));
  command(2, cdb10(0x28));
  command(3, cdb10(0x2a));
  recorded.pass(6);
  recorder.endChunk();
  recorded.pass(10).dataIn();
  expect(times(recorded.io('read'))).toMatchObject({ all: 16, target: 10, gateway: 4 });
  expect(times(recorded.io('write'))).toMatchObject({ gateway: 2 });
});

test('a chunk with nothing but data counts for the command seen last', () => {
  const recorded = new Recorded();
  const { recorder } = recorded;
  const data = () => {
    recorder.beginChunk();
    recorded.pass(2);
    recorder.endChunk();
  };
  data();
  recorded.command();
  data();
  recorded.dataIn();
  expect(times(recorded.io('read'))).toMatchObject({ gateway: 2, target: 2 });
});

test('NOPs are timed by who answers them', () => {
  const recorded = new Recorded();
  recorded.nopOut({ initiatorTaskTag: 5 }).pass(2).nopIn({ initiatorTaskTag: 5 });
  recorded.nopIn({ targetTransferTag: 9 }).pass(30).nopOut({ targetTransferTag: 9 });
  recorded.nopIn({}).nopOut({}).nopIn({ initiatorTaskTag: 6 }).nopOut({ targetTransferTag: 7 });
  const { initiator, target } = recorded.nexus.sides;
  expect([target.pings, Math.round(target.pingSeconds * 1e3)]).toEqual([1, 2]);
  expect([initiator.pings, Math.round(initiator.pingSeconds * 1e3)]).toEqual([1, 30]);
});

test('a NOP that was rejected is not waited for', () => {
  const recorded = new Recorded().nopOut({ initiatorTaskTag: 5 });
  recorded.rejected(encodeBhs('nopOut', { initiatorTaskTag: 5 })).nopIn({ initiatorTaskTag: 5 });
  expect(recorded.nexus.sides.target.pings).toBe(0);
});

test('backpressure is seen while it lasts, and ends with the session', () => {
  const recorded = new Recorded();
  const seconds = () => recorded.nexus.sides.target.backpressureSeconds;
  recorded.recorder.resume('target');
  recorded.recorder.pause('target');
  recorded.pass(2000);
  expect(seconds()).toBe(2);
  recorded.recorder.resume('target');
  recorded.pass(1000);
  recorded.recorder.pause('target');
  recorded.recorder.pause('target');
  recorded.pass(500);
  recorded.recorder.close();
  recorded.recorder.pause('target');
  recorded.pass(9000);
  expect(seconds()).toBe(2.5);
  expect(recorded.nexus.sides.initiator.backpressureSeconds).toBe(0);
});

test('more commands in one chunk than can be told apart still share all of its time', () => {
  const recorded = new Recorded();
  const { recorder } = recorded;
  recorder.beginChunk();
  for (let tag = 0; tag < 200; tag++) {
    const cdb = cdb10(tag % 2 === 0 ? 0x28 : 0x2a);
    recorder.command(encodeBhs('scsiCommand', { initiatorTaskTag: tag, final: true, cdb }), 0, tag);
  }
  recorded.pass(8);
  recorder.endChunk();
  const [reads, writes] = [recorded.io('read').gatewaySeconds, recorded.io('write').gatewaySeconds];
  expect(reads).toBeGreaterThan(0.001);
  expect(reads + writes).toBeCloseTo(0.008);
});

test('what comes of one task in one chunk is counted once', () => {
  const recorded = new Recorded().command(WRITE).pass(10);
  const { recorder } = recorded;
  recorder.beginChunk();
  recorder.r2t(recorded.taskOf(1));
  recorder.status(encodeBhs('scsiResponse', { initiatorTaskTag: 1 }), 0, recorded.taskOf(1));
  recorder.endChunk();
  expect(times(recorded.io('write'))).toMatchObject({ all: 10, target: 10, initiator: 0 });
});
