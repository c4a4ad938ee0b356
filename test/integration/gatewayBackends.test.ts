import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Backend } from '../../src/gateway/backend.ts';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import type { Pdu } from '../../src/iscsi/pdu.ts';
import { Challenges } from '../../src/login/challenges.ts';
import { Secret } from '../../src/policy/secret.ts';
import { DB1, DISK1, IDENTITY, loginRequest } from '../support/loginPdus.ts';
import type { ScriptedTarget, TargetConnection } from '../support/scriptedTarget.ts';
import { arrayChap, startSite, startTarget, type Site } from '../support/site.ts';

const LOOPBACK = { redirectsTo: ['127.0.0.0/8'] };
/** In the gateway's configuration, the counterpart of arrayChap. */
const TO_ARRAY = { user: 'sangate', secret: { env: 'TO_ARRAY' } };
const ARRAY = { user: 'array', secret: { env: 'ARRAY' } };

function siteBefore(portals: readonly string[], settings: object = {}): Promise<Site> {
  return startSite({ backends: { array1: { portals, ...settings } } });
}

/** An array that sends everybody on. */
function redirecting(host: string, address: () => string, status = 0x0101): Promise<ScriptedTarget> {
  return startTarget({
    host,
    script: onLogin((pdu, connection) => connection.redirect(pdu, address(), status)),
  });
}

function onLogin(say: (pdu: Pdu, connection: TargetConnection) => void) {
  return (pdu: Pdu, connection: TargetConnection): boolean => {
    if (opcodeAt(pdu.bhs, 0) !== Opcode.loginRequest) return false;
    say(pdu, connection);
    return true;
  };
}

/** A portal where nobody listens. */
async function closedPortal(): Promise<string> {
  const target = await startTarget();
  await target.close();
  return target.portal;
}

/** A login that is refused. @returns its status and the log's line */
async function refusedLogin(site: Site) {
  const initiator = await site.connect();
  const response = await initiator.exchange(loginRequest(IDENTITY));
  await initiator.closed;
  const line = await site.log.line({ msg: 'login denied' });
  return { status: response?.status, line };
}

test.each([0x0101, 0x0102])(
  'a redirect (%i) is followed inside, and no byte that the initiator sees tells of it',
  async (status) => {
    const member = await startTarget({ host: '127.0.0.3' });
    const group = await redirecting('127.0.0.2', () => member.portal, status);
    const site = await siteBefore([group.portal], LOOPBACK);
    const initiator = await site.connect();
    await initiator.logIn();
    await initiator.ping();
    await initiator.text([['SendTargets', '']]);
    expect(member.sessions).toHaveLength(1);
    const bytes = Buffer.concat([...initiator.sent, ...initiator.received]).toString('latin1');
    for (const told of ['127.0.0.2', '127.0.0.3', String(group.port), String(member.port)]) {
      expect(bytes).not.toContain(told);
    }
    expect(await site.log.line({ msg: 'login allowed' })).toMatchObject({ portal: member.portal });
  },
);

test('a redirected discovery is followed inside as well', async () => {
  const member = await startTarget({ host: '127.0.0.3' });
  const group = await redirecting('127.0.0.2', () => member.portal);
  const site = await siteBefore([group.portal], LOOPBACK);
  const initiator = await site.connect();
  await initiator.logInToDiscovery(IDENTITY[0]![1]);
  const [text] = await initiator.text([['SendTargets', 'All']]);
  expect(text!.toString()).toContain(`TargetAddress=127.0.0.1:${site.port},1`);
});

test('five redirects in a row are followed', async () => {
  let hops = 0;
  const array: ScriptedTarget = await startTarget({
    script: (pdu, connection) => {
      if (opcodeAt(pdu.bhs, 0) !== Opcode.loginRequest || hops === 5) return false;
      hops++;
      connection.redirect(pdu, array.portal);
      return true;
    },
  });
  const site = await siteBefore([array.portal], LOOPBACK);
  const initiator = await site.connect();
  await initiator.logIn();
  await initiator.ping();
  expect(array.connections).toHaveLength(6);
});

test('a redirect loop ends after five hops with 0301', async () => {
  const array: ScriptedTarget = await redirecting('127.0.0.2', () => array.portal);
  const { status, line } = await refusedLogin(await siteBefore([array.portal], LOOPBACK));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_redirect', backend: 'array1' });
  expect(line['detail']).toContain('more than 5 redirects');
  expect(array.connections).toHaveLength(6);
});

test.each([
  ['outside of redirectsTo', { redirectsTo: ['127.0.0.9'] }],
  ['without redirectsTo', {}],
])('a redirect %s is not followed: 0301, and the log names the address and the rule', async (_, settings) => {
  const member = await startTarget({ host: '127.0.0.3' });
  const group = await redirecting('127.0.0.2', () => member.portal);
  const { status, line } = await refusedLogin(await siteBefore([group.portal], settings));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_redirect' });
  expect(line['detail']).toContain(`the array redirects to ${member.portal}`);
  expect(line['detail']).toMatch(/gateway\.yaml:\d+:\d+/);
  expect(member.connections).toHaveLength(0);
});

test('a redirect to another port of a configured portal is not followed without redirectsTo', async () => {
  const other = await startTarget();
  const group = await redirecting('127.0.0.1', () => other.portal);
  const { status, line } = await refusedLogin(await siteBefore([group.portal]));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_redirect' });
  expect(other.connections).toHaveLength(0);
});

test('a redirect to another configured portal is followed without redirectsTo', async () => {
  const member = await startTarget({ host: '127.0.0.3' });
  const group = await redirecting('127.0.0.2', () => member.portal);
  const site = await siteBefore([group.portal, member.portal]);
  await (await site.connect()).logIn();
  expect(member.sessions).toHaveLength(1);
});

test('a redirect to a host name is not followed: it could be any address', async () => {
  const group = await redirecting('127.0.0.2', () => 'localhost:3260');
  const { status, line } = await refusedLogin(await siteBefore([group.portal], LOOPBACK));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_redirect' });
});

test('a redirect without an address is refused with 0301', async () => {
  const group = await startTarget({ script: onLogin((pdu, connection) => connection.refuse(pdu, 0x0101)) });
  const { status, line } = await refusedLogin(await siteBefore([group.portal], LOOPBACK));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_redirect' });
});

test('a backend that is down gets the initiator 0301, so that it tries again, and it may once it is up', async () => {
  const gone = await startTarget();
  await gone.close();
  const site = await siteBefore([gone.portal]);
  const { status, line } = await refusedLogin(site);
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_down', backend: 'array1' });
  expect(line['detail']).toContain(gone.portal);
  await startTarget({ port: Number(gone.portal.split(':')[1]) });
  const initiator = await site.connect();
  await initiator.logIn();
  await initiator.ping();
});

test('an array that takes the connection and says nothing gets the initiator 0301 in time', async () => {
  const array = await startTarget({ script: () => true });
  const { status, line } = await refusedLogin(await siteBefore([array.portal], { connectTimeoutSeconds: 1 }));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_down', backend: 'array1' });
});

test('an array that hangs up in the midst of negotiation gets the initiator 0301', async () => {
  const array = await startTarget({
    script: onLogin((pdu, connection) => {
      if (decodeBhs('loginRequest', pdu.bhs).currentStage === 0) connection.answer(pdu);
      else connection.socket.destroy();
    }),
  });
  const { status, line } = await refusedLogin(await siteBefore([array.portal]));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_down' });
});

test('an array that hangs up over what one initiator negotiates does not count as down for the others', async () => {
  const array = await startTarget({
    script: onLogin((pdu, connection) => {
      if (decodeBhs('loginRequest', pdu.bhs).currentStage === 0) connection.answer(pdu);
      else connection.socket.destroy();
    }),
  });
  const backend = new Backend(
    {
      name: 'array1',
      portals: [{ host: '127.0.0.1', port: array.port }],
      connectTimeoutSeconds: 5,
      location: 'gateway.yaml:1:1',
    },
    new Challenges(randomBytes),
  );
  const { signal } = new AbortController();
  const leg = await backend.open(
    {
      initiatorName: DB1,
      sessionType: 'Normal',
      targetName: DISK1,
      isid: Buffer.from('400001370001', 'hex'),
      cid: 1,
      initiatorTaskTag: 1,
      cmdSN: 1,
    },
    signal,
  );
  await expect(leg.negotiate([], true, signal)).rejects.toMatchObject({ reason: 'backend_down' });
  expect(backend.isDown).toBe(false);
});

test('the second portal is used when nobody listens at the first', async () => {
  const second = await startTarget();
  const site = await siteBefore([await closedPortal(), second.portal]);
  const initiator = await site.connect();
  await initiator.logIn();
  expect(second.sessions).toHaveLength(1);
});

test.each<[string, (pdu: Pdu, connection: TargetConnection) => void]>([
  ['hangs up', (_, { socket }) => void socket.destroy()],
  ['says that it is out of service', (pdu, connection) => connection.refuse(pdu, 0x0301)],
  ['never answers', () => {}],
])('the second portal is used when the first %s', async (_, say) => {
  const [first, second] = [await startTarget({ script: onLogin(say) }), await startTarget()];
  const site = await siteBefore([first.portal, second.portal], { connectTimeoutSeconds: 1 });
  const initiator = await site.connect();
  await initiator.logIn();
  expect(first.connections).toHaveLength(1);
  expect(second.sessions).toHaveLength(1);
});

test.each([
  [0x0202, 'backend_refused'],
  [0x0203, 'target_not_found'],
  [0x0204, 'target_not_found'],
  [0x0302, 'backend_down'],
])("the array's own refusal %i reaches the initiator as it is", async (wanted, reason) => {
  const array = await startTarget({ script: onLogin((pdu, connection) => connection.refuse(pdu, wanted)) });
  const { status, line } = await refusedLogin(await siteBefore([array.portal]));
  expect(status).toBe(wanted);
  expect(line).toMatchObject({ reason });
});

test('an array that answers with something else than iSCSI gets the initiator 0300', async () => {
  const array = await startTarget({
    script: (_, connection) => (connection.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n'.repeat(4))), true),
  });
  const { status, line } = await refusedLogin(await siteBefore([array.portal]));
  expect(status).toBe(0x0300);
  expect(line).toMatchObject({ reason: 'backend_protocol', backend: 'array1' });
});

test('the gateway logs in with CHAP where the array wants it', async () => {
  const array = await startTarget({ chap: arrayChap(false) });
  const site = await siteBefore([array.portal], { chap: TO_ARRAY });
  const initiator = await site.connect();
  await initiator.logIn();
  await initiator.ping();
});

test('the gateway has the array prove itself with mutual CHAP', async () => {
  const array = await startTarget({ chap: arrayChap(true) });
  const site = await siteBefore([array.portal], { chap: { ...TO_ARRAY, mutual: ARRAY } });
  const initiator = await site.connect();
  await initiator.logIn();
  await initiator.ping();
});

const wrong = new Secret(Buffer.from('another secret'));
test.each([
  ['whose secret is another', { ...arrayChap(false), secret: wrong }, { chap: TO_ARRAY }],
  ['that wants CHAP where none is configured', arrayChap(false), {}],
  ['that does not ask for the CHAP that is configured', undefined, { chap: TO_ARRAY }],
  [
    'that proves itself with another secret',
    { ...arrayChap(true), mutual: { user: 'array', secret: wrong } },
    { chap: { ...TO_ARRAY, mutual: ARRAY } },
  ],
  [
    'that proves itself under another name',
    { ...arrayChap(true), mutual: { ...arrayChap(true).mutual!, user: 'impostor' } },
    { chap: { ...TO_ARRAY, mutual: ARRAY } },
  ],
])('an array %s gets the initiator 0301, and the log says backend_auth', async (_, chap, settings) => {
  const array = await startTarget({ ...(chap && { chap }) });
  const { status, line } = await refusedLogin(await siteBefore([array.portal], settings));
  expect(status).toBe(0x0301);
  expect(line).toMatchObject({ reason: 'backend_auth', backend: 'array1' });
  expect(array.sessions).toHaveLength(0);
});
