import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { TextPair } from '../../src/iscsi/text.ts';
import { chapResponse } from '../../src/login/chap.ts';
import { Secret } from '../../src/policy/secret.ts';
import { challenged as challengeOf, type Challenged } from '../support/chapLogin.ts';
import { identity, loginRequest, securityRequest } from '../support/loginPdus.ts';
import { DB1_CHAP, DB1_MUTUAL, SECRETS, useSite } from '../support/site.ts';
import type { TunnelInitiator } from '../support/tunnelInitiator.ts';

const { site, target } = useSite();

/** Goes through CHAP with SHA-256 up to the challenge. */
async function challenged(
  initiatorName: string,
  secret: string,
): Promise<Challenged & { initiator: TunnelInitiator }> {
  const initiator = await site().connect();
  return { initiator, ...(await challengeOf(initiator, initiatorName, secret)) };
}

test('the right response is let through to the array', async () => {
  const { response, answer, initiator } = await challenged(DB1_CHAP, SECRETS.DB1);
  const passed = await answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${response}`],
  ]);
  expect(passed).toMatchObject({ status: 0, transit: true });
  await initiator.logIn([]);
  await initiator.ping();
  expect(await site().log.line({ msg: 'login allowed' })).toMatchObject({ initiator: DB1_CHAP });
});

test.each([
  ['wrong', () => `0x${randomBytes(32).toString('hex')}`, 0x0201, 'chap', 'the secrets differ'],
  ['one byte short', (right: string) => `0x${right.slice(2)}`, 0x0201, 'chap', '31 bytes, sha256 has 32'],
  ['one byte long', (right: string) => `0x${right}00`, 0x0201, 'chap', '33 bytes, sha256 has 32'],
  [
    'of an odd number of digits',
    (right: string) => `0x${right.slice(1)}`,
    0x0207,
    'missing_parameter',
    'CHAP_R must be',
  ],
  ['empty', () => '0x', 0x0207, 'missing_parameter', 'CHAP_R must be'],
  ['no number at all', () => 'guess', 0x0207, 'missing_parameter', 'CHAP_R must be'],
])('a response that is %s is refused', async (_, forge, status, reason, detail) => {
  const before = target().connections.length;
  const { response, answer, initiator } = await challenged(DB1_CHAP, SECRETS.DB1);
  expect(
    await answer([
      ['CHAP_N', 'db1'],
      ['CHAP_R', forge(response)],
    ]),
  ).toMatchObject({ status });
  await initiator.closed;
  const line = await site().log.line({ msg: 'login denied', reason });
  expect(line['detail']).toContain(detail);
  expect(target().connections).toHaveLength(before);
});

test.each(['db', 'db12', 'DB1'])('the right response under the name "%s" is refused', async (name) => {
  const { response, answer } = await challenged(DB1_CHAP, SECRETS.DB1);
  expect(
    await answer([
      ['CHAP_N', name],
      ['CHAP_R', `0x${response}`],
    ]),
  ).toMatchObject({ status: 0x0201 });
  const line = await site().log.line({ msg: 'login denied', reason: 'chap' });
  expect(line['detail']).toBe('the CHAP name is not the one configured');
});

test('a reflected challenge is refused without an answer to it', async () => {
  const { challenge, response, answer } = await challenged(DB1_MUTUAL, SECRETS.DB1_MUTUAL);
  const refused = await answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${response}`],
    ['CHAP_I', '1'],
    ['CHAP_C', challenge],
  ]);
  expect(refused).toMatchObject({ status: 0x0201 });
  expect(refused!.keys.has('CHAP_R')).toBe(false);
  const line = await site().log.line({ msg: 'login denied', reason: 'chap' });
  expect(line['detail']).toContain('reflection');
});

test("another connection's challenge is a reflection too", async () => {
  const one = await challenged(DB1_MUTUAL, SECRETS.DB1_MUTUAL);
  const other = await challenged(DB1_MUTUAL, SECRETS.DB1_MUTUAL);
  const refused = await other.answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${other.response}`],
    ['CHAP_I', '1'],
    ['CHAP_C', one.challenge],
  ]);
  expect(refused).toMatchObject({ status: 0x0201 });
});

test('a wrong response is refused before the own challenge is answered', async () => {
  const { answer } = await challenged(DB1_MUTUAL, SECRETS.DB1_MUTUAL);
  const refused = await answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${'00'.repeat(32)}`],
    ['CHAP_I', '1'],
    ['CHAP_C', `0x${'ab'.repeat(32)}`],
  ]);
  expect(refused).toMatchObject({ status: 0x0201 });
  expect(refused!.keys.size).toBe(0);
});

test('a response that was overheard opens no second login: the challenge is another one', async () => {
  const overheard = await challenged(DB1_CHAP, SECRETS.DB1);
  await overheard.answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${overheard.response}`],
  ]);
  const { challenge, answer } = await challenged(DB1_CHAP, SECRETS.DB1);
  expect(challenge).not.toBe(overheard.challenge);
  const replayed = await answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${overheard.response}`],
  ]);
  expect(replayed).toMatchObject({ status: 0x0201 });
});

test('whoever skips the security stage although CHAP is required of it gets 0201', async () => {
  const initiator = await site().connect();
  const request = loginRequest(identity({ InitiatorName: DB1_CHAP }));
  expect(await initiator.exchange(request)).toMatchObject({ status: 0x0201 });
  expect(await site().log.line({ msg: 'login denied' })).toMatchObject({ reason: 'auth_method' });
});

test('whoever offers no CHAP although it is required of it gets 0201', async () => {
  const initiator = await site().connect();
  const pairs: TextPair[] = [...identity({ InitiatorName: DB1_CHAP }), ['AuthMethod', 'None']];
  expect(await initiator.exchange(securityRequest(pairs))).toMatchObject({ status: 0x0201 });
  expect(await site().log.line({ msg: 'login denied' })).toMatchObject({ reason: 'auth_method' });
});

test('mutual CHAP that is not configured gets 0201', async () => {
  const { response, answer } = await challenged(DB1_CHAP, SECRETS.DB1);
  const refused = await answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${response}`],
    ['CHAP_I', '1'],
    ['CHAP_C', `0x${'ab'.repeat(32)}`],
  ]);
  expect(refused).toMatchObject({ status: 0x0201 });
});

test('mutual CHAP proves the gateway to the initiator', async () => {
  const { response, answer } = await challenged(DB1_MUTUAL, SECRETS.DB1_MUTUAL);
  const challenge = randomBytes(32);
  const passed = await answer([
    ['CHAP_N', 'db1'],
    ['CHAP_R', `0x${response}`],
    ['CHAP_I', '9'],
    ['CHAP_C', `0x${challenge.toString('hex')}`],
  ]);
  const proof = chapResponse('sha256', 9, new Secret(Buffer.from(SECRETS.GATEWAY)), challenge);
  expect(Object.fromEntries(passed!.keys)).toEqual({
    CHAP_N: 'gateway',
    CHAP_R: `0x${proof.toString('hex')}`,
  });
});
