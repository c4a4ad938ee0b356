import { expect, test } from 'vitest';
import { loginRequest, DB1, IDENTITY, identity } from '../support/loginPdus.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';

async function start(): Promise<Site> {
  const array = await startTarget();
  return startSite({ backends: { array1: { portals: [array.portal] } }, admin: true });
}

async function metrics(site: Site): Promise<string> {
  const { address, port } = site.gateway.admin!;
  return (await fetch(`http://${address}:${port}/metrics`)).text();
}

test('sessions are shown by initiator and by array, also while there are none', async () => {
  const site = await start();
  expect(await metrics(site)).toContain('sangate_backend_sessions{backend="array1"} 0');
  await (await site.connect()).logIn(IDENTITY);
  const text = await metrics(site);
  expect(text).toContain('sangate_backend_sessions{backend="array1"} 1');
  expect(text).toContain('sangate_initiator_sessions{initiator="db1"} 1');
  expect(text).toContain('sangate_initiator_sessions{initiator="db2"} 0');
  expect(text).toContain(`sangate_initiator_info{initiator="db1",iqn="${DB1}"} 1`);
});

test('an array is down from a failed attempt to the next that succeeds, reloads included', async () => {
  const site = await start();
  expect(await metrics(site)).toContain('sangate_backend_up{backend="array1"} 1');
  await site.reload(({ backends }) => void (backends['array1']!.portals = ['127.0.0.1:1']));
  await (await site.connect()).exchange(loginRequest(IDENTITY));
  expect(await metrics(site)).toContain('sangate_backend_up{backend="array1"} 0');
  await site.reload(() => {});
  expect(await metrics(site)).toContain('sangate_backend_up{backend="array1"} 0');
  await (await site.connect()).logIn(IDENTITY);
  expect(await metrics(site)).toContain('sangate_backend_up{backend="array1"} 1');
});

test("policy's verdicts are counted by initiator, and strangers together", async () => {
  const site = await start();
  await (await site.connect()).logIn(IDENTITY);
  const other = identity({ TargetName: 'iqn.2026-01.org.example:other' });
  await (await site.connect()).exchange(loginRequest(other));
  await (
    await site.connect()
  ).exchange(loginRequest(identity({ InitiatorName: 'iqn.2026-01.org.example:nobody' })));
  const text = await metrics(site);
  expect(text).toContain('sangate_acl_decisions_total{initiator="db1",decision="allow"} 1');
  expect(text).toContain('sangate_acl_decisions_total{initiator="db1",decision="deny"} 1');
  expect(text).toContain('sangate_acl_decisions_total{initiator="unknown",decision="deny"} 1');
});

test('the metrics say that the gateway is ready', async () => {
  expect(await metrics(await start())).toContain('sangate_ready 1');
});
