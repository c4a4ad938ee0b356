import { expect, test } from 'vitest';
import { DISK1, identity, loginRequest } from '../support/loginPdus.ts';
import type { ScriptedTarget } from '../support/scriptedTarget.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';

const DISK2 = 'iqn.2026-01.org.example:disk2';

interface Arrays {
  readonly one: ScriptedTarget;
  readonly two: ScriptedTarget;
}

async function twoArrays(): Promise<Arrays> {
  return { one: await startTarget({ targets: [DISK1] }), two: await startTarget({ targets: [DISK2] }) };
}

function siteBefore({ one, two }: Arrays, settings: { one?: object; two?: object } = {}): Promise<Site> {
  return startSite({
    backends: {
      one: { portals: [one.portal], ...settings.one },
      two: { portals: [two.portal], ...settings.two },
    },
  });
}

const loginTo = (TargetName: string): Buffer => loginRequest(identity({ TargetName }));

test('a login goes to the array that has the target', async () => {
  const arrays = await twoArrays();
  const site = await siteBefore(arrays);
  const initiator = await site.connect();
  expect(await initiator.exchange(loginTo(DISK2))).toMatchObject({ status: 0 });
  expect(arrays.one.sessions).toHaveLength(0);
  expect(arrays.two.sessions).toHaveLength(1);
});

test('an array whose "targets" does not cover the target is never asked', async () => {
  const arrays = await twoArrays();
  const site = await siteBefore(arrays, { one: { targets: [DISK1] }, two: { targets: ['*:disk2'] } });
  const initiator = await site.connect();
  expect(await initiator.exchange(loginTo(DISK2))).toMatchObject({ status: 0 });
  expect(arrays.one.connections).toHaveLength(0);
  expect(arrays.two.connections).toHaveLength(1);
});

test('an array shows no target that its "targets" does not cover', async () => {
  const arrays = await twoArrays();
  const site = await siteBefore(arrays, { two: { targets: ['*:other'] } });
  const initiator = await site.connect();
  await initiator.logInToDiscovery(identity({})[0]![1]);
  const text = Buffer.concat(await initiator.text([['SendTargets', 'All']])).toString();
  expect(text).toContain(DISK1);
  expect(text).not.toContain(DISK2);
});

test('a target that no array has gets 0203', async () => {
  const site = await siteBefore(await twoArrays());
  const initiator = await site.connect();
  expect(await initiator.exchange(loginTo(`${DISK1}-none`))).toMatchObject({ status: 0x0203 });
  expect(await site.log.line({ msg: 'login denied' })).toMatchObject({ reason: 'target_not_found' });
});

test('a target that may be behind an array that is down gets 0301, so that the initiator tries again', async () => {
  const arrays = await twoArrays();
  const site = await siteBefore(arrays);
  await arrays.two.close();
  const initiator = await site.connect();
  expect(await initiator.exchange(loginTo(DISK2))).toMatchObject({ status: 0x0301 });
  const line = await site.log.line({ msg: 'login denied', reason: 'backend_down' });
  expect(line['detail']).toContain('backend two');
});

test("one array's outage keeps nobody from another array's target", async () => {
  const arrays = await twoArrays();
  const site = await siteBefore(arrays);
  await arrays.two.close();
  const initiator = await site.connect();
  expect(await initiator.exchange(loginTo(DISK1))).toMatchObject({ status: 0 });
});

test('a denied target is not looked for at any array', async () => {
  const arrays = await twoArrays();
  const site = await siteBefore(arrays);
  const initiator = await site.connect();
  const hidden = loginTo('iqn.2026-01.org.example:hidden');
  expect(await initiator.exchange(hidden)).toMatchObject({ status: 0x0203 });
  expect([...arrays.one.connections, ...arrays.two.connections]).toEqual([]);
});

test('an array that claims a target outside its "targets" is not logged in to for it', async () => {
  const impostor = await startTarget({ targets: [DISK1] });
  const one = await startTarget({ targets: [DISK1] });
  const two = await startTarget({ targets: [DISK2] });
  const site = await startSite({
    backends: {
      impostor: { portals: [impostor.portal], targets: ['*:disk3'] },
      one: { portals: [one.portal] },
      two: { portals: [two.portal] },
    },
  });
  const browser = await site.connect();
  await browser.logInToDiscovery(identity({})[0]![1]);
  await browser.text([['SendTargets', 'All']]);
  const initiator = await site.connect();
  expect(await initiator.exchange(loginTo(DISK1))).toMatchObject({ status: 0 });
  expect(impostor.sessions).toHaveLength(0);
  expect(one.sessions).toHaveLength(1);
});
