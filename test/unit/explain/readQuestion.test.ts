import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { readQuestion, type WrittenQuestion } from '../../../src/explain/readQuestion.ts';
import { testPki } from '../../support/certificates.ts';
import { DB1, DISK, initiatorRule } from '../../support/initiatorRule.ts';

const read = (written: Partial<WrittenQuestion>) =>
  readQuestion([initiatorRule()], { initiator: 'db1', ...written });

test('an entry stands for its initiator, and names take their normal form', () => {
  expect(read({}).subject.initiatorName).toBe(DB1);
  expect(read({ initiator: DB1.toUpperCase(), target: DISK.toUpperCase() })).toMatchObject({
    subject: { initiatorName: DB1 },
    target: DISK,
  });
});

test('all of it', async () => {
  const certificate = new X509Certificate((await testPki()).client.cert);
  const question = read({ certificate, from: '2001:db8::7', target: DISK, lun: '16383', command: '2a' });
  expect(question).toMatchObject({
    subject: { address: '2001:db8::7', certificate: { uri: ['spiffe://sangate/db1'] } },
    lun: 16383,
    request: { name: 'WRITE (10) 2Ah' },
  });
});

test.each<[Partial<WrittenQuestion>, string]>([
  [{ initiator: '' }, 'there is no entry "" under initiators'],
  [{ initiator: 'bd1' }, 'there is no entry "bd1" under initiators'],
  [{ initiator: 'iqn.x' }, '"iqn.x" is not an iSCSI name'],
  [{ from: '203.0.113.0/24' }, '"203.0.113.0/24" is not an IP address'],
  [{ from: 'fe80::1%eth0' }, '"fe80::1%eth0" is not an IP address'],
  [{ from: '' }, '"" is not an IP address'],
  [{ target: 'iqn.2001-05.com.equallogic:*' }, 'is not an iSCSI name'],
  [{ lun: '0' }, 'a logical unit is one of a target'],
  [{ target: DISK, command: '2a' }, 'a command goes to a logical unit'],
  ...['16384', '-1', '1e3', '', ' 1', '0x1', '00000000'].map(
    (lun) => [{ target: DISK, lun }, `${JSON.stringify(lun)} is not a logical unit`] as [object, string],
  ),
  [{ target: DISK, lun: '0', command: 'wriet' }, '"wriet" is not a command'],
])('%j: %s', (written, message) => {
  expect(() => read(written)).toThrow(message);
});
