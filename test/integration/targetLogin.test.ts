import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { discoverOver } from '../../src/initiator/discoverOver.ts';
import { NO_DIGESTS, type Pdu } from '../../src/iscsi/pdu.ts';
import { CHAP_ALGORITHMS, type ChapRequirement } from '../../src/policy/chapRequirement.ts';
import { Secret } from '../../src/policy/secret.ts';
import { PduConnection } from '../../src/transport/pduConnection.ts';
import { EmbeddedTarget } from '../support/embeddedTarget.ts';
import { readLoginResponse } from '../support/loginMessages.ts';
import { DB1, DISK1, IDENTITY, loginRequest } from '../support/loginPdus.ts';

const LIMITS = { maxAhsLength: 0, maxDataSegmentLength: 262144 } as const;
const TEST_UNIT_READY = { lun: 0, cdb: Buffer.of(0) };

function chap(): ChapRequirement {
  return { user: 'db1', secret: new Secret(randomBytes(16)), algorithms: CHAP_ALGORITHMS };
}

/** A connection on which the test speaks for itself. */
async function talk(target: EmbeddedTarget) {
  const socket = await target.connect();
  const connection = PduConnection.over(socket, LIMITS);
  const ask = async (request: Buffer): Promise<Pdu> => {
    await connection.write(request);
    return (await connection.next())!;
  };
  return { socket, connection, ask };
}

test('discovery shows the target at the address that was dialled', async () => {
  const target = await EmbeddedTarget.start();
  const records = await discoverOver(await target.connect(), { initiatorName: DB1 });
  expect(records).toEqual([
    { name: DISK1, addresses: [{ host: '127.0.0.1', port: target.port, portalGroupTag: 1 }] },
  ]);
});

test('discovery asks for CHAP as any login does', async () => {
  const requirement = chap();
  const target = await EmbeddedTarget.start({ chap: requirement });
  await expect(discoverOver(await target.connect(), { initiatorName: DB1 })).rejects.toThrow();
  const records = await discoverOver(await target.connect(), { initiatorName: DB1, chap: requirement });
  expect(records.map(({ name }) => name)).toEqual([DISK1]);
});

test('a target of another name is not found: 0203', async () => {
  const target = await EmbeddedTarget.start();
  const { ask } = await talk(target);
  const other = IDENTITY.map(([key, value]) => [key, key === 'TargetName' ? `${value}x` : value] as const);
  expect(readLoginResponse(await ask(loginRequest(other))).status).toBe(0x0203);
  const event = await target.event(({ kind }) => kind === 'login');
  expect(event.failure).toMatchObject({ reason: 'target_not_found' });
  expect(event.failure!.message).toContain(`${DISK1}x`);
});

test('a wrong secret is refused, and the log knows who it was', async () => {
  const target = await EmbeddedTarget.start({ chap: chap() });
  await expect(target.logIn({ chap: chap() })).rejects.toThrow();
  const event = await target.event(({ kind }) => kind === 'login');
  expect(event).toMatchObject({ failure: { reason: 'chap' }, identity: { initiatorName: DB1 } });
});

test('a target that cannot prove itself is left by the initiator', async () => {
  const requirement = chap();
  const target = await EmbeddedTarget.start({ chap: requirement });
  const mutual = { user: 'disk', secret: new Secret(randomBytes(16)) };
  await expect(target.logIn({ chap: { ...requirement, mutual } })).rejects.toThrow();
});

test('the TSIH comes with the last Login Response, not before', async () => {
  const { ask } = await talk(await EmbeddedTarget.start());
  const first = readLoginResponse(await ask(loginRequest(IDENTITY, { transit: false, nextStage: 0 })));
  const last = readLoginResponse(await ask(loginRequest([], { expStatSN: first.statSN + 1 })));
  expect([first.status, first.tsih, last.transit]).toEqual([0, 0, true]);
  expect(last.tsih).not.toBe(0);
});

test('two initiators use the target side by side', async () => {
  const target = await EmbeddedTarget.start();
  const one = await target.logIn();
  const two = await target.logIn({ initiatorName: `${DB1}-2` });
  expect((await one.execute(TEST_UNIT_READY)).status).toBe(0);
  expect((await two.execute(TEST_UNIT_READY)).status).toBe(0);
});

test('a second login with the same name and ISID ends the first session', async () => {
  const target = await EmbeddedTarget.start();
  const first = await talk(target);
  const closed = once(first.socket, 'close');
  expect(readLoginResponse(await first.ask(loginRequest(IDENTITY))).status).toBe(0);
  const second = await talk(target);
  expect(readLoginResponse(await second.ask(loginRequest(IDENTITY))).status).toBe(0);
  await closed;
  expect(second.socket.destroyed).toBe(false);
});

test('a session that has logged out may come again', async () => {
  const target = await EmbeddedTarget.start();
  await (await target.logIn()).logout();
  const again = await target.logIn();
  expect((await again.execute(TEST_UNIT_READY)).status).toBe(0);
  await again.ping();
});

test('a login that is not done in time is cut off, and the log says so', async () => {
  const target = await EmbeddedTarget.start({ loginTimeoutMs: 20 });
  const { connection } = await talk(target);
  expect(await connection.next()).toBeUndefined();
  expect((await target.event(() => true)).failure).toMatchObject({ reason: 'login_timeout' });
});

test('connections beyond the limit are closed, and the log says so', async () => {
  const target = await EmbeddedTarget.start({ maxConnections: 1 });
  await target.logIn();
  const { connection } = await talk(target);
  expect(await connection.next()).toBeUndefined();
  const event = await target.event(({ failure }) => failure !== undefined);
  expect(event).toMatchObject({ kind: 'login', failure: { reason: 'too_many_connections' } });
});

test.each([
  ['a data segment that is too long', Buffer.from('0081000000ffffff', 'hex')],
  ['a header segment that is not allowed', Buffer.from('00810000ff000000', 'hex')],
])('%s before the login ends the connection', async (_what, start) => {
  const target = await EmbeddedTarget.start();
  const { connection } = await talk(target);
  await connection.write(Buffer.concat([start, Buffer.alloc(40)]));
  expect(await connection.next()).toBeUndefined();
  expect((await target.event(() => true)).failure).toMatchObject({ reason: 'protocol_error' });
});

test('a wrong data digest ends the session', async () => {
  const target = await EmbeddedTarget.start();
  const { connection, ask } = await talk(target);
  await ask(loginRequest([...IDENTITY, ['DataDigest', 'CRC32C']]));
  connection.configure({ digests: NO_DIGESTS, limits: LIMITS });
  await connection.write(Buffer.concat([Buffer.from('4080000000000004', 'hex'), Buffer.alloc(48)]));
  expect(await connection.next()).toBeUndefined();
  const event = await target.event(({ kind }) => kind === 'ended');
  expect(event.failure!.message).toContain('data_digest');
});
