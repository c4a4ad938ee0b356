import { deserialize, serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { loadGatewayCredentials, loadStubCredentials } from '../../../src/tls/credentials.ts';
import {
  packGatewayCredentials,
  packStubCredentials,
  unpackGatewayCredentials,
  unpackStubCredentials,
} from '../../../src/tls/packedCredentials.ts';
import { saveTestPki } from '../../support/certificates.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

const crossed = <T>(value: T): T => deserialize(serialize(value)) as T;

test("a gateway's credentials are the same on the other side of a link", async () => {
  const file = await saveTestPki(await temporaryDirectory());
  const before = await loadGatewayCredentials({
    cert: file('gateway.crt'),
    key: file('gateway.key'),
    clientCa: file('ca.crt'),
    crl: file('ca.crl'),
  });
  const after = unpackGatewayCredentials(crossed(packGatewayCredentials(before)));
  expect(Object.keys(after).toSorted()).toEqual(Object.keys(before).toSorted());
  const { authorities, revocations, key, ...plain } = after;
  expect(plain).toEqual(
    Object.fromEntries(Object.keys(plain).map((name) => [name, before[name as keyof typeof before]])),
  );
  expect(Buffer.from(key.reveal())).toEqual(Buffer.from(before.key.reveal()));
  expect(authorities.map(({ fingerprint256 }) => fingerprint256)).toEqual(
    before.authorities.map(({ fingerprint256 }) => fingerprint256),
  );
  expect(revocations!.map(({ number, size, thisUpdate }) => [number, size, thisUpdate])).toEqual(
    before.revocations!.map(({ number, size, thisUpdate }) => [number, size, thisUpdate]),
  );
  expect(revocations![0]!.isSignedBy(authorities[0]!)).toBe(true);
});

test("a stub's credentials are the same on the other side of a link", async () => {
  const file = await saveTestPki(await temporaryDirectory());
  const before = await loadStubCredentials({
    cert: file('client.crt'),
    key: file('client.key'),
    ca: file('ca.crt'),
  });
  const { key, ...plain } = unpackStubCredentials(crossed(packStubCredentials(before)));
  const { key: keyBefore, ...plainBefore } = before;
  expect(plain).toEqual(plainBefore);
  expect(Buffer.from(key.reveal())).toEqual(Buffer.from(keyBefore.reveal()));
});
