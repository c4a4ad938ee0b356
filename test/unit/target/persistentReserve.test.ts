import { beforeEach, expect, test } from 'vitest';
import { ReservationType } from '../../../src/target/persistentReservation.ts';
import { hex, outcome, PORT_A, PORT_B, PORT_C, u8 } from './disk.ts';
import { Action, SharedDisk } from './sharedDisk.ts';

const RELEASED = '6/2a04';
const PREEMPTED = '6/2a03';
const REGISTRATION_PREEMPTED = '6/2a05';

let disk: SharedDisk;
beforeEach(() => {
  disk = new SharedDisk();
});

test('a key is registered, changed with the old one and removed with zero', async () => {
  await disk.register(PORT_A, 0xa);
  expect(await disk.keys()).toEqual([0xa]);
  expect(await disk.out(PORT_A, Action.register, { key: 0xa, newKey: 0xb })).toBe('good');
  expect(await disk.keys()).toEqual([0xb]);
  expect(await disk.out(PORT_A, Action.register, { key: 0xb, newKey: 0 })).toBe('good');
  expect(await disk.keys()).toEqual([]);
});

test('registering with a wrong existing key conflicts, unless it is to be ignored', async () => {
  await disk.register(PORT_A, 0xa);
  expect(await disk.out(PORT_A, Action.register, { key: 0, newKey: 0xb })).toBe('conflict');
  expect(await disk.out(PORT_B, Action.register, { key: 0xa, newKey: 0xb })).toBe('conflict');
  expect(await disk.out(PORT_A, Action.registerAndIgnore, { key: 0x99, newKey: 0xb })).toBe('good');
  expect(await disk.keys()).toEqual([0xb]);
});

test('two sessions of one initiator are two nexuses', async () => {
  await disk.register(PORT_A, 0xa);
  const other = PORT_A.replace(/1$/, '2');
  expect(await disk.out(other, Action.reserve, { key: 0xa, type: 1 })).toBe('conflict');
});

test('without the right key there is no reserving, releasing, clearing or preempting', async () => {
  await disk.register(PORT_A, 0xa);
  for (const action of [
    Action.reserve,
    Action.release,
    Action.clear,
    Action.preempt,
    Action.preemptAndAbort,
  ]) {
    expect(await disk.out(PORT_A, action, { key: 0xb, newKey: 0xa, type: 1 })).toBe('conflict');
    expect(await disk.out(PORT_B, action, { key: 0xa, newKey: 0xa, type: 1 })).toBe('conflict');
    expect(await disk.out(PORT_B, action, { key: 0, newKey: 0xa, type: 1 })).toBe('conflict');
  }
});

test.each([
  // type, registered other: read, write, stranger: read, write
  ['writeExclusive', 'good', 'conflict', 'good', 'conflict'],
  ['exclusiveAccess', 'conflict', 'conflict', 'conflict', 'conflict'],
  ['writeExclusiveRegistrantsOnly', 'good', 'good', 'good', 'conflict'],
  ['exclusiveAccessRegistrantsOnly', 'good', 'good', 'conflict', 'conflict'],
  ['writeExclusiveAllRegistrants', 'good', 'good', 'good', 'conflict'],
  ['exclusiveAccessAllRegistrants', 'good', 'good', 'conflict', 'conflict'],
] as const)(
  'under %s a registrant reads %s and writes %s, a stranger reads %s and writes %s',
  async (name, ...wanted) => {
    await disk.register(PORT_A, 0xa);
    await disk.register(PORT_B, 0xb);
    expect(await disk.out(PORT_A, Action.reserve, { key: 0xa, type: ReservationType[name] })).toBe('good');
    expect(await disk.read(PORT_A)).toBe('good');
    expect(await disk.write(PORT_A)).toBe('good');
    expect([
      await disk.read(PORT_B),
      await disk.write(PORT_B),
      await disk.read(PORT_C),
      await disk.write(PORT_C),
    ]).toEqual(wanted);
  },
);

test.each([
  ['UNMAP', '42 00 00000000 00 0008 00', 'conflict'],
  ['WRITE SAME', '41 00 00000000 00 0001 00', 'conflict'],
  ['COMPARE AND WRITE', '89 00 0000000000000000 000000 01 00 00', 'conflict'],
  ['WRITE AND VERIFY', '2e 00 00000000 00 0001 00', 'conflict'],
  ['SYNCHRONIZE CACHE', '35 00 00000000 00 0000 00', 'conflict'],
  ['MODE SENSE', '1a 00 3f 00 ff 00', 'conflict'],
  ['stopping the unit', '1b 00 00 00 00 00', 'conflict'],
  ['starting the unit', '1b 00 00 00 01 00', 'good'],
  ['VERIFY', '2f 00 00000000 00 0001 00', 'good'],
  ['PRE-FETCH', '34 00 00000000 00 0001 00', 'good'],
  ['TEST UNIT READY', '00', 'good'],
  ['INQUIRY', '12 00 00 0024 00', 'good'],
  ['READ CAPACITY', '25', 'good'],
  ['PERSISTENT RESERVE IN', '5e 00 0000000000 0008 00', 'good'],
])('a stranger under write exclusive: %s', async (_name, cdb, wanted) => {
  await disk.register(PORT_A, 0xa);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: ReservationType.writeExclusive });
  expect(await disk.said(cdb, PORT_C, Buffer.alloc(1024))).toBe(wanted);
});

test('reserving again with the same type is success; with another type, or by another, a conflict', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  expect(await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 })).toBe('good');
  expect(await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 })).toBe('good');
  expect(await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 3 })).toBe('conflict');
  expect(await disk.out(PORT_B, Action.reserve, { key: 0xb, type: 1 })).toBe('conflict');
});

test('a release by a registrant that does not hold changes nothing; with a wrong type it is an error', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 });
  expect(await disk.out(PORT_B, Action.release, { key: 0xb, type: 1 })).toBe('good');
  expect(await disk.out(PORT_A, Action.release, { key: 0xa, type: 3 })).toBe('5/2604');
  expect(await disk.reservation()).toEqual([0xa, 1]);
  expect(await disk.out(PORT_A, Action.release, { key: 0xa, type: 1 })).toBe('good');
  expect(await disk.reservation()).toBeUndefined();
});

test('releasing a registrants-only reservation is told to the other registrants', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 5 });
  await disk.out(PORT_A, Action.release, { key: 0xa, type: 5 });
  expect(await disk.ready(PORT_B)).toBe(RELEASED);
  expect(await disk.ready(PORT_A)).toBe('good');
});

test('a holder that unregisters lets go, an all-registrants reservation stays until the last', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 6 });
  await disk.out(PORT_A, Action.register, { key: 0xa, newKey: 0 });
  expect(await disk.reservation()).toBeUndefined();
  expect(await disk.ready(PORT_B)).toBe(RELEASED);

  await disk.register(PORT_A, 0xa);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 8 });
  await disk.out(PORT_A, Action.register, { key: 0xa, newKey: 0 });
  expect(await disk.reservation()).toEqual([0, 8]);
  expect(await disk.write(PORT_A)).toBe('conflict');
  await disk.out(PORT_B, Action.register, { key: 0xb, newKey: 0 });
  expect(await disk.reservation()).toBeUndefined();
});

test('clear removes everything and tells the others', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 3 });
  const before = await disk.generation();
  expect(await disk.out(PORT_B, Action.clear, { key: 0xb })).toBe('good');
  expect(await disk.reservation()).toBeUndefined();
  expect(await disk.keys()).toEqual([]);
  expect(await disk.generation()).toBe(before + 1);
  expect(await disk.ready(PORT_A)).toBe(PREEMPTED);
});

test("preempting the holder's key takes the reservation over and shuts the old holder out", async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 });
  const before = await disk.generation();
  expect(await disk.out(PORT_B, Action.preempt, { key: 0xb, newKey: 0xa, type: 3 })).toBe('good');
  expect(await disk.reservation()).toEqual([0xb, 3]);
  expect(await disk.keys()).toEqual([0xb]);
  expect(await disk.generation()).toBe(before + 1);
  expect(await disk.read(PORT_A)).toBe(REGISTRATION_PREEMPTED);
  expect(await disk.read(PORT_A)).toBe('conflict');
});

test("preempting another registrant's key removes that key alone", async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.register(PORT_C, 0xc);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 5 });
  expect(await disk.out(PORT_B, Action.preempt, { key: 0xb, newKey: 0xc, type: 5 })).toBe('good');
  expect(await disk.ready(PORT_C)).toBe(REGISTRATION_PREEMPTED);
  expect(await disk.keys()).toEqual([0xa, 0xb]);
  expect(await disk.reservation()).toEqual([0xa, 5]);
});

test('key zero preempts everybody of an all-registrants reservation, and nobody otherwise', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 });
  expect(await disk.out(PORT_B, Action.preempt, { key: 0xb, newKey: 0, type: 1 })).toBe('5/2600');
  await disk.out(PORT_A, Action.release, { key: 0xa, type: 1 });
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 7 });
  expect(await disk.out(PORT_B, Action.preempt, { key: 0xb, newKey: 0, type: 3 })).toBe('good');
  expect(await disk.reservation()).toEqual([0xb, 3]);
  expect(await disk.keys()).toEqual([0xb]);
});

test('one key preempted under an all-registrants reservation goes, the reservation stays', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 7 });
  expect(await disk.out(PORT_B, Action.preempt, { key: 0xb, newKey: 0xa, type: 1 })).toBe('good');
  expect(await disk.reservation()).toEqual([0, 7]);
  expect(await disk.keys()).toEqual([0xb]);
});

test('a takeover that changes the type is told to the registrants that stay', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.register(PORT_C, 0xc);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 5 });
  await disk.out(PORT_B, Action.preempt, { key: 0xb, newKey: 0xa, type: 6 });
  expect(await disk.ready(PORT_C)).toBe(RELEASED);
});

test('preempting a key that nobody has conflicts', async () => {
  await disk.register(PORT_A, 0xa);
  expect(await disk.out(PORT_A, Action.preempt, { key: 0xa, newKey: 0x77, type: 1 })).toBe('conflict');
});

test('PREEMPT AND ABORT is answered after the running tasks, and a task that comes later conflicts', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.register(PORT_B, 0xb);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 });
  const log: string[] = [];
  const running = disk.write(PORT_A).then((result) => log.push(`write ${result}`));
  const preempting = disk
    .out(PORT_B, Action.preemptAndAbort, { key: 0xb, newKey: 0xa, type: 1 })
    .then((result) => log.push(`preempt ${result}`));
  await Promise.all([running, preempting]);
  expect(log).toEqual(['write good', 'preempt good']);
  expect(await disk.write(PORT_A)).toBe(REGISTRATION_PREEMPTED);
  expect(await disk.write(PORT_A)).toBe('conflict');
});

test.each([
  ['a reserved type', { type: 2 }, '5/2400'],
  ['another scope than the logical unit', { type: 1, scope: 2 }, '5/2400'],
])('RESERVE with %s is refused', async (_name, fields, wanted) => {
  await disk.register(PORT_A, 0xa);
  expect(await disk.out(PORT_A, Action.reserve, { key: 0xa, ...fields })).toBe(wanted);
  expect(await disk.reservation()).toBeUndefined();
});

test.each([
  ['APTPL', 0x01, '5/2600'],
  ['SPEC_I_PT', 0x08, '5/2600'],
  ['ALL_TG_PT', 0x04, 'good'],
])('REGISTER with %s', async (_name, flags, wanted) => {
  expect(await disk.out(PORT_A, Action.register, { newKey: 0xa, flags })).toBe(wanted);
});

test('a parameter list of another length than 24 is refused before it is collected', async () => {
  const nexus = { initiatorPort: PORT_A };
  expect(outcome(disk.lu.refuse({ cdb: hex('5f 00 00 0000 00000019 00'), nexus })!)).toBe('5/1a00');
  expect(outcome(await disk.send('5f 00 00 0000 00000018 00', Buffer.alloc(8)))).toBe('5/1a00');
});

test('REGISTER AND MOVE and unknown service actions are refused', async () => {
  expect(await disk.out(PORT_A, 7, {})).toBe('5/2400');
  for (let action = 4; action < 32; action++) {
    expect(await disk.said(`5e ${u8(action)} 0000000000 0400 00`, PORT_A)).toBe('5/2400');
  }
});

test('initiators that never unregister do not fill memory', async () => {
  for (let i = 0; i < 256; i++)
    expect(await disk.out(`${PORT_A}-${i}`, Action.register, { newKey: 1 })).toBe('good');
  expect(await disk.out(PORT_B, Action.register, { newKey: 1 })).toBe('5/5504');
});

test('a registration survives the end of its session, and a reset', async () => {
  await disk.register(PORT_A, 0xa);
  await disk.out(PORT_A, Action.reserve, { key: 0xa, type: 1 });
  disk.lu.nexusLost(PORT_A);
  disk.lu.reset();
  expect(await disk.reservation()).toEqual([0xa, 1]);
});
