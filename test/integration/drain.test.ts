import { expect, test } from 'vitest';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { IDENTITY } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';

async function start(drainSeconds: number): Promise<Site> {
  const array = await startTarget();
  const backends = { array1: { portals: [array.portal] } };
  return startSite({ backends, limits: { drainSeconds }, admin: true });
}

test('a gateway that drains asks each initiator to log out within the time that there is', async () => {
  const site = await start(1);
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  const drained = site.gateway.drain();
  const pdu = await initiator.next();
  expect(opcodeAt(pdu!.bhs, 0)).toBe(Opcode.asyncMessage);
  expect(decodeBhs('asyncMessage', pdu!.bhs)).toMatchObject({ event: 1, parameter3: 1 });
  await drained;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ reason: 'shutting_down' });
});

test('it stops as soon as all have logged out', { timeout: 20_000 }, async () => {
  const site = await start(600);
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  const drained = site.gateway.drain();
  await initiator.next();
  initiator.end();
  await drained;
});

test('a session that is logged out when asked to ends by its logout, and says why it was asked', async () => {
  const site = await start(600);
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  const drained = site.gateway.drain();
  await initiator.next();
  await initiator.logOut();
  await drained;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({
    level: 'info',
    by: 'logout',
    reason: 'shutting_down',
  });
});

test(
  'a login that ends while the gateway drains is asked to log out like the others',
  { timeout: 20_000 },
  async () => {
    const site = await start(1);
    const initiator = await site.connect();
    await initiator.logIn(IDENTITY);
    const late = await site.connect({ ALPNProtocols: [] });
    const drained = site.gateway.drain();
    await late.logIn(IDENTITY, { isid: Buffer.from('400001370001', 'hex') });
    const pdu = await late.next();
    expect(opcodeAt(pdu!.bhs, 0)).toBe(Opcode.asyncMessage);
    await drained;
  },
);

test('without a session it stops at once', { timeout: 20_000 }, async () => {
  const site = await start(600);
  const waiting = await site.connect();
  await site.gateway.drain();
  await waiting.closed;
});

test('while it drains it is not ready, and takes no connection', async () => {
  const site = await start(1);
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  const drained = site.gateway.drain();
  const { address, port } = site.gateway.admin!;
  expect((await fetch(`http://${address}:${port}/readyz`)).status).toBe(503);
  const late = await site.connect();
  await late.closed;
  expect(late.received).toEqual([]);
  await drained;
});

test('a reload while it drains changes nothing', async () => {
  const site = await start(1);
  const initiator = await site.connect();
  await initiator.logIn(IDENTITY);
  const drained = site.gateway.drain();
  await site.reload(({ initiators }) => void delete initiators['db1']);
  expect(await site.log.line({ msg: 'reload failed: everything is as it was' })).toBeDefined();
  await drained;
  expect(await site.log.line({ msg: 'session ended' })).toMatchObject({ reason: 'shutting_down' });
});
