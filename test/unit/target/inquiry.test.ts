import { expect, test } from 'vitest';
import { Disk, outcome } from './disk.ts';

async function page(code: string, disk = new Disk()): Promise<Buffer> {
  return (await disk.send(`12 01 ${code} 0400 00`)).dataIn!;
}

function naa(data: Buffer): string {
  return /naa\.3[0-9A-F]{15}/.exec(data.toString('latin1'))![0];
}

test('standard data names a disk of SPC-4 with command queueing, vendor, product and standards', async () => {
  const data = (await new Disk().send('12 00 00 0400 00')).dataIn!;
  expect([...data.subarray(0, 8)]).toEqual([0, 0, 6, 2, 91, 0, 0, 2]);
  expect(data.toString('latin1', 8, 36)).toBe('SANGATE VIRTUAL DISK    0001');
  expect([58, 60, 62, 64].map((at) => data.readUInt16BE(at))).toEqual([0x00a0, 0x0960, 0x0460, 0x04c0]);
  expect(data.length).toBe(96);
});

test('the allocation length cuts the data, not the length field', async () => {
  const data = (await new Disk().send('12 00 00 0005 00')).dataIn!;
  expect([...data]).toEqual([0, 0, 6, 2, 91]);
});

test('a page code without EVPD and an unknown page are refused', async () => {
  expect(outcome(await new Disk().send('12 00 80 0100 00'))).toBe('5/2400');
  expect(outcome(await new Disk().send('12 01 c0 0100 00'))).toBe('5/2400');
});

test('every page that page 00 lists is there, in ascending order, with its own code and length', async () => {
  const codes = [...(await page('00')).subarray(4)];
  expect(codes).toEqual([0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2]);
  for (const code of codes) {
    const data = await page(code.toString(16).padStart(2, '0'));
    expect(data[1]).toBe(code);
    expect(data.readUInt16BE(2)).toBe(data.length - 4);
  }
});

test('the unit serial number is the one given, with nothing but printable ASCII', async () => {
  expect((await page('80')).toString('latin1', 4)).toBe('test-1');
  expect((await page('80', new Disk({ serial: 'näme\n' }))).toString('latin1', 4)).toBe('n_me_');
});

test('designators differ between serial numbers and stay the same for one', async () => {
  const one = await page('83', new Disk({ serial: 'one' }));
  expect((await page('83', new Disk({ serial: 'one' }))).equals(one)).toBe(true);
  const two = await page('83', new Disk({ serial: 'two' }));
  expect(naa(one)).not.toBe(naa(two));
});

test('designators are T10 vendor ID, NAA and SCSI name string, back to back', async () => {
  const data = await page('83');
  const types: number[] = [];
  for (let at = 4; at < data.length; at += 4 + data[at + 3]!) types.push(data[at + 1]!);
  expect(types).toEqual([0x1, 0x3, 0x8]);
});

test('Block Limits has the limits that are enforced', async () => {
  const data = await page('b0');
  expect(data.length).toBe(64);
  expect(data[4]).toBe(1);
  expect(data[5]).toBe(255);
  expect([8, 20, 24].map((at) => data.readUInt32BE(at))).toEqual([16384, 262144, 256]);
  expect(data.readBigUInt64BE(36)).toBe(32768n);
});

test('provisioning pages and READ CAPACITY(16) agree that unmapped blocks read as zeros', async () => {
  expect((await page('b2')).toString('hex', 4)).toBe('00e40200');
  const capacity = (await new Disk().send('9e 10 0000000000000000 00000020 00 00')).dataIn!;
  expect(capacity[14]).toBe(0xc0);
});
