import { expect, test } from 'vitest';
import { createCrl } from '../../../src/pki/createCrl.ts';
import { testPki } from '../../support/certificates.ts';

// That OpenSSL takes a CRL and obeys it is shown by real handshakes in test/integration/tlsGate.test.ts.

test.each(['', 'xyz', 'ab:cd', '1'.repeat(41)])('%j is refused as a serial number', async (serial) => {
  const { authority } = await testPki();
  const revoked = [{ serial, revokedAt: new Date() }];
  expect(() => createCrl({ authority, revoked, number: 1, nextUpdateDays: 1 })).toThrow(
    'is no serial number',
  );
});

test.each([-1, 1.5, Number.NaN])('%d is refused as a CRL number', async (number) => {
  const { authority } = await testPki();
  expect(() => createCrl({ authority, revoked: [], number, nextUpdateDays: 1 })).toThrow('is no CRL number');
});
