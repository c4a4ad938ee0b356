import { expect, test } from 'vitest';
import { parseCdb } from '../../../src/scsi/cdb.ts';
import { MemoryStore } from '../../../src/target/memoryStore.ts';
import { absentLunResult, reportLuns } from '../../../src/target/reportLuns.ts';
import { BLOCKS, digits, Disk, hex, outcome, u8 } from './disk.ts';

test('REPORT LUNS lists the logical units, flat addressing from 256', () => {
  const { dataIn } = reportLuns([0, 5, 300], hex('a0 00 00 000000 00000400 00 00'));
  expect(dataIn!.toString('hex')).toBe(
    digits('0000001800000000 0000000000000000 0005000000000000 412c000000000000'),
  );
});

test('REPORT LUNS cut by the allocation length keeps its list length', () => {
  const { dataIn } = reportLuns([0, 5], hex('a0 00 00 000000 00000010 00 00'));
  expect(dataIn!.toString('hex')).toBe(digits('0000001000000000 0000000000000000'));
});

test('REPORT LUNS of well-known logical units only is empty, an unknown selection is refused', () => {
  expect(reportLuns([0], hex('a0 00 01 000000 00000010 00 00')).dataIn!.readUInt32BE()).toBe(0);
  expect(outcome(reportLuns([0], hex('a0 00 03 000000 00000010 00 00')))).toBe('5/2400');
});

test('an absent LUN answers INQUIRY with 7Fh, REQUEST SENSE with sense as data, all else with an error', () => {
  expect(absentLunResult(hex('12 00 00 0024 00')).dataIn![0]).toBe(0x7f);
  const sense = absentLunResult(hex('03 00 0000 ff 00'));
  expect([sense.status, sense.dataIn!.readUInt16BE(12)]).toEqual([0, 0x2500]);
  for (const cdb of ['00', '28 00 00000000 00 0001 00', 'ff', '12 01 83 00ff 00']) {
    expect(outcome(absentLunResult(hex(cdb)))).toMatch(/^5\/2[45]00$/);
  }
});

test('READ CAPACITY(10) and (16) name the last block; (10) says FFFFFFFFh beyond 32 bits', async () => {
  const disk = new Disk();
  expect((await disk.send('25')).dataIn!.toString('hex')).toBe('00000fff00000200');
  expect((await disk.send('9e 10 0000000000000000 0000000c 00 00')).dataIn!.toString('hex')).toBe(
    '0000000000000fff00000200',
  );
  const huge = new Disk({ store: new MemoryStore(2 ** 33 * 512) });
  expect((await huge.send('25')).dataIn!.toString('hex')).toBe('ffffffff00000200');
  expect((await huge.send('9e 10 0000000000000000 00000008 00 00')).dataIn!.readBigUInt64BE()).toBe(
    0x1ffffffffn,
  );
});

test('the last block of a disk beyond 2 TiB is written and read back', async () => {
  const disk = new Disk({ store: new MemoryStore(2 ** 33 * 512) });
  await disk.send('8a00 00000001ffffffff 00000001 0000', Buffer.alloc(512, 0x5a));
  const { dataIn } = await disk.send('8800 00000001fffffffe 00000002 0000');
  expect(dataIn!.equals(Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, 0x5a)]))).toBe(true);
});

test('MODE SENSE(6) of all pages: DPOFUA, block descriptor, caching with WCE, control', async () => {
  const data = (await new Disk().send('1a 00 3f 00 ff 00')).dataIn!;
  expect(data.toString('hex')).toBe(
    digits('2b001008 0000100000000200 0812040000000000000000000000000000000000 0a0a00100000000000000000'),
  );
});

test('MODE SENSE(10) without block descriptors of one page', async () => {
  const data = (await new Disk().send('5a 08 0a 00 000000 00ff 00')).dataIn!;
  expect(data.toString('hex')).toBe(digits('0012 001000000000 0a0a00100000000000000000'));
});

test('MODE SENSE shows write protection and that nothing is changeable', async () => {
  const data = (await new Disk({ readOnly: true }).send('1a 08 48 00 ff 00')).dataIn!;
  expect(data.toString('hex')).toBe(`170090000812${'00'.repeat(18)}`);
});

test.each([
  ['saved values', '1a 00 c8 00 ff 00', '5/3900'],
  ['an unknown page', '1a 00 02 00 ff 00', '5/2400'],
  ['an unknown subpage', '1a 00 0a 01 ff 00', '5/2400'],
])('MODE SENSE of %s is refused', async (_name, cdb, wanted) => {
  expect(outcome(await new Disk().send(cdb))).toBe(wanted);
});

interface Descriptor {
  readonly code: number;
  readonly action: number;
  readonly hasAction: boolean;
  readonly cdbLength: number;
}

async function supportedCommands(): Promise<Descriptor[]> {
  const data = (await new Disk().send('a3 0c 00 00 0000 00010000 00 00')).dataIn!;
  expect(data.readUInt32BE()).toBe(data.length - 4);
  return Array.from({ length: (data.length - 4) / 8 }, (_, i) => {
    const at = 4 + 8 * i;
    return {
      code: data[at]!,
      action: data.readUInt16BE(at + 2),
      hasAction: (data[at + 5]! & 1) === 1,
      cdbLength: data.readUInt16BE(at + 6),
    };
  });
}

test('the list of supported commands is the very set of those that are parsed', async () => {
  const listed = await supportedCommands();
  for (let code = 0; code < 256; code++) {
    const parses = parseCdb(Buffer.of(code)).kind !== 'unsupported';
    const actions = [0x0c, 0x10].filter((action) => parseCdb(Buffer.of(code, action)).kind !== 'unsupported');
    const known = parses || actions.length > 0;
    expect(
      listed.some((descriptor) => descriptor.code === code),
      code.toString(16),
    ).toBe(known);
  }
});

test('each listed command is described alone, with its own length and code, and only in its own way', async () => {
  const disk = new Disk();
  for (const { code, action, hasAction, cdbLength } of await supportedCommands()) {
    const ask = (option: number): ReturnType<Disk['send']> =>
      disk.send(`a3 0c ${u8(option)} ${u8(code)} 00${u8(action)} 0000ffff 00 00`);
    const { dataIn } = await ask(hasAction ? 2 : 1);
    expect([dataIn![1], dataIn!.readUInt16BE(2), dataIn![4]]).toEqual([3, cdbLength, code]);
    expect(dataIn!.length).toBe(4 + cdbLength);
    expect((await ask(3)).dataIn!.equals(dataIn!)).toBe(true);
    const wrong = await ask(hasAction ? 1 : 2);
    expect(outcome(wrong)).toBe('5/2400');
    expect(wrong.sense!.readUInt16BE(16)).toBe(2); // points at the option, not at the service action
  }
});

test('a command that is not served is reported as such', async () => {
  expect((await new Disk().send('a3 0c 01 83 0000 0000ffff 00 00')).dataIn!.toString('hex')).toBe('00010000');
});

test('with RCTD every command has a timeouts descriptor', async () => {
  const all = (await new Disk().send('a3 0c 80 00 0000 00010000 00 00')).dataIn!;
  for (let at = 4; at < all.length; at += 20) {
    expect(all[at + 5]! & 2).toBe(2);
    expect(all.readUInt16BE(at + 8)).toBe(10);
  }
  const one = (await new Disk().send('a3 0c 81 28 0000 00010000 00 00')).dataIn!;
  expect([one[1], one.length]).toEqual([0x83, 4 + 10 + 12]);
});

test('the bound of the disk in these tests is the one its capacity says', () => {
  expect(new Disk().lu.blocks).toBe(BLOCKS);
});
