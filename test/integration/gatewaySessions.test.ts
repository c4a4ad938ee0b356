import { expect, test } from 'vitest';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import { testPki } from '../support/certificates.ts';
import { ISID } from '../support/loginMessages.ts';
import { DB1, DISK1, identity, IDENTITY, loginRequest } from '../support/loginPdus.ts';
import type { ScriptedTarget } from '../support/scriptedTarget.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';

const OTHER_ISID = Buffer.from('400001370001', 'hex');

async function start(): Promise<{ array: ScriptedTarget; site: Site }> {
  const array = await startTarget();
  return { array, site: await startSite({ backends: { array1: { portals: [array.portal] } } }) };
}

test("the initiator's name, ISID, CID, task tag and CmdSN reach the array as they were sent", async () => {
  const { array, site } = await start();
  const initiator = await site.connect();
  const name = DB1.replace('debian', 'Debian');
  await initiator.logIn(identity({ InitiatorName: name }), {
    isid: OTHER_ISID,
    cid: 9,
    initiatorTaskTag: 0x1234,
    cmdSN: 500,
  });
  const { login, received } = await array.session();
  expect(login.identity).toMatchObject({ initiatorNameAsSent: name, targetNameAsSent: DISK1 });
  const { isid, cid, initiatorTaskTag, cmdSN } = decodeBhs('loginRequest', received[0]!.bhs);
  expect({ isid, cid, initiatorTaskTag, cmdSN }).toEqual({
    isid: OTHER_ISID,
    cid: 9,
    initiatorTaskTag: 0x1234,
    cmdSN: 500,
  });
});

test('the log says who logged in to what, by which rule and over which portal', async () => {
  const { array, site } = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  expect(await site.log.line({ msg: 'login allowed' })).toMatchObject({
    verdict: 'allowed',
    address: '127.0.0.1',
    certificate: 'spiffe://sangate/db1',
    initiator: DB1,
    target: DISK1,
    rule: expect.stringMatching(/^db1 at .*gateway\.yaml:\d+:\d+$/),
    backend: 'array1',
    portal: array.portal,
  });
});

test("the initiator's numbers go on from its own login, whatever the array's are", async () => {
  const { site } = await start();
  const initiator = await site.connect();
  const { statSN } = await initiator.logIn();
  for (const next of [1, 2]) {
    const fields = { immediate: true, final: true, initiatorTaskTag: next, targetTransferTag: 0xffffffff };
    initiator.send(encodePdu('nopOut', { ...fields, cmdSN: 1 }));
    const { bhs } = (await initiator.next())!;
    expect(decodeBhs('nopIn', bhs).statSN).toBe((statSN + next) >>> 0);
  }
});

test('a command reaches the array and its status comes back', async () => {
  const { array, site } = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  initiator.send(encodePdu('scsiCommand', { final: true, initiatorTaskTag: 0x77, cmdSN: 1 }));
  const { bhs } = (await initiator.next())!;
  expect(opcodeAt(bhs, 0)).toBe(Opcode.scsiResponse);
  expect(decodeBhs('scsiResponse', bhs)).toMatchObject({ initiatorTaskTag: 0x77, status: 0, expCmdSN: 2 });
  expect((await array.session()).received).toHaveLength(3);
});

test('a second login with the same name, ISID and target ends the first session', async () => {
  const { array, site } = await start();
  const [first, second] = [await site.connect(), await site.connect()];
  await first.logIn();
  await second.logIn();
  await first.closed;
  await (
    await array.session(0)
  ).closed;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({
    session: 1,
    by: 'gateway',
    reason: 'reinstated',
  });
  await second.ping();
});

test.each([
  ['another ISID', IDENTITY, { isid: OTHER_ISID }],
  ['another target', identity({ TargetName: `${DISK1}-2` }), {}],
])('a second login with %s ends nothing', async (_, pairs, fields) => {
  const { site } = await start();
  const [first, second] = [await site.connect(), await site.connect()];
  await first.logIn();
  await second.logIn(pairs, fields);
  await second.ping();
  await first.ping();
});

test('whoever claims name and ISID of a session without the right certificate ends nothing', async () => {
  const { site } = await start();
  const first = await site.connect();
  await first.logIn();
  const somebodyElse = await (await testPki()).issue({ commonName: 'db9', uri: ['spiffe://sangate/db9'] });
  const thief = await site.connect(somebodyElse);
  expect(await thief.exchange(loginRequest(IDENTITY, { isid: ISID }))).toMatchObject({ status: 0x0202 });
  await first.ping();
});

test.each([
  ['closes', 'end'],
  ['resets', 'reset'],
] as const)('an initiator that %s closes the connection to the array at once', async (_, how) => {
  const { array, site } = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  initiator[how]();
  await (
    await array.session()
  ).closed;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ level: 'info', by: 'initiator' });
});

test.each([
  ['closes', 'end'],
  ['resets', 'resetAndDestroy'],
] as const)("an array that %s closes the initiator's connection at once", async (_, how) => {
  const { array, site } = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  (await array.session()).socket[how]();
  await initiator.closed;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ level: 'info', by: 'target' });
});

test('the answer to a Logout still comes through before the connection closes', async () => {
  const { site } = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  const logout = { immediate: true, final: true, initiatorTaskTag: 3, cmdSN: 1 };
  initiator.send(encodePdu('logoutRequest', logout));
  const { bhs } = (await initiator.next())!;
  expect(opcodeAt(bhs, 0)).toBe(Opcode.logoutResponse);
  await initiator.closed;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ level: 'info', by: 'logout' });
});

test.each(['initiator', 'target'] as const)(
  "bytes that are no PDU end the session and nobody else's, from the %s",
  async (side) => {
    const { array, site } = await start();
    const [initiator, other] = [await site.connect(), await site.connect()];
    await initiator.logIn();
    await other.logIn(IDENTITY, { isid: OTHER_ISID });
    const session = await array.session(0);
    const speaker = side === 'initiator' ? initiator : session;
    speaker.send(Buffer.alloc(1024, 0x1f));
    await Promise.all([initiator.closed, session.closed]);
    const line = await site.log.line({ msg: 'session ended' });
    expect(line).toMatchObject({
      level: 'warn',
      by: side,
      reason: 'protocol_error',
      told: 'connection closed',
    });
    await other.ping();
  },
);

test('what an array sends right behind its last Login Response is not lost', async () => {
  const greeting = encodePdu('nopIn', {
    final: true,
    initiatorTaskTag: 0xffffffff,
    targetTransferTag: 0xffffffff,
    statSN: 1002,
  });
  const array = await startTarget({
    script: (pdu, connection) => {
      if (opcodeAt(pdu.bhs, 0) !== Opcode.loginRequest) return false;
      if (decodeBhs('loginRequest', pdu.bhs).nextStage !== 3) return false;
      connection.socket.cork();
      connection.answer(pdu);
      connection.send(greeting);
      connection.socket.uncork();
      return true;
    },
  });
  const site = await startSite({ backends: { array1: { portals: [array.portal] } } });
  const initiator = await site.connect();
  await initiator.logIn();
  expect(opcodeAt((await initiator.next())!.bhs, 0)).toBe(Opcode.nopIn);
});

test('what an initiator sends right behind its last Login Request is not lost', async () => {
  const { site } = await start();
  const initiator = await site.connect();
  const ping = encodePdu('nopOut', {
    immediate: true,
    final: true,
    initiatorTaskTag: 5,
    targetTransferTag: 0xffffffff,
    cmdSN: 1,
  });
  await initiator.exchange(Buffer.concat([loginRequest(IDENTITY), ping]));
  expect(opcodeAt((await initiator.next())!.bhs, 0)).toBe(Opcode.nopIn);
});

test('a gateway that stops ends logins under way on both sides', async () => {
  const array = await startTarget({ script: () => true });
  const site = await startSite({ backends: { array1: { portals: [array.portal] } } });
  const initiator = await site.connect();
  initiator.send(loginRequest(IDENTITY));
  const connection = await array.connection(({ received }) => received.length > 0);
  await site.gateway.stop();
  await Promise.all([initiator.closed, connection.closed]);
});

test('a gateway that stops ends its sessions on both sides', async () => {
  const { array, site } = await start();
  const initiator = await site.connect();
  await initiator.logIn();
  await site.gateway.stop();
  await Promise.all([initiator.closed, (await array.session()).closed]);
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ reason: 'shutting_down' });
});
