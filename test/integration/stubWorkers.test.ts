import { expect, test } from 'vitest';
import { stubConfigFrom } from '../../src/config/stubConfig.ts';
import { IDENTITY } from '../support/loginPdus.ts';
import { valueOf } from '../support/metricsText.ts';
import { startSite, startTarget, type Site } from '../support/site.ts';
import type { TunnelInitiator } from '../support/tunnelInitiator.ts';

async function start(): Promise<Site> {
  const array = await startTarget();
  return startSite({ backends: { array1: { portals: [array.portal] } }, admin: true, workers: 1 });
}

/** A stub with two workers, and its metrics. */
async function startStub(site: Site) {
  const stub = await site.startStub({
    gateways: [`127.0.0.1:${site.port}`],
    workers: 2,
    admin: { address: '127.0.0.1:0' },
  });
  const read = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${stub.admin!.port}/metrics`)).text();
  const connect = async (): Promise<TunnelInitiator> => {
    const initiator = await site.connectPlain(stub.address.port);
    await initiator.logIn(IDENTITY, { isid: Buffer.from([0x40, 0, 1, 0x37, 0, ++initiators]) });
    return initiator;
  };
  let initiators = 0;
  return { stub, read, connect };
}

test('a stub spreads its connections over workers, and counts them together', async () => {
  const { connect, read } = await startStub(await start());
  await connect();
  await connect();
  const text = await read();
  expect(valueOf(text, 'sangate_stub_tunnels')).toBe(2);
  expect(valueOf(text, 'sangate_stub_connections_total{result="tunnel"}')).toBe(2);
  expect(valueOf(text, 'sangate_worker_connections{worker="1"}')).toBe(1);
  expect(valueOf(text, 'sangate_worker_connections{worker="2"}')).toBe(1);
});

test("a stub's worker that is lost takes its own connections with it, and is replaced", async () => {
  const site = await start();
  const { connect, read } = await startStub(site);
  const first = await connect();
  const second = await connect();
  site.log.forget();
  site.killStubWorker(1);
  await first.closed;
  expect(await site.log.line({ msg: 'worker lost' })).toMatchObject({ worker: 1, connections: 1 });
  await second.ping();
  await site.log.line({ msg: 'worker started' });
  await (await connect()).ping();
  expect(valueOf(await read(), 'sangate_worker_crashes_total')).toBe(1);
});

test("a stub's reload holds on every worker", async () => {
  const site = await start();
  const { connect, stub } = await startStub(site);
  const before = await connect();
  await stub.reload(() => {
    const tls = { cert: site.file('client.crt'), key: site.file('client.key'), ca: site.file('ca.crt') };
    return stubConfigFrom({ listen: '127.0.0.1:0', gateways: ['127.0.0.1:1'], tls, workers: 2 }, '/');
  });
  await site.log.line({ msg: 'reloaded' });
  for (let i = 0; i < 2; i++) {
    site.log.forget();
    await site.connectPlain(stub.address.port);
    const { detail } = await site.log.line({ msg: 'no gateway can be reached' });
    expect(detail).toContain('127.0.0.1:1: ');
  }
  await before.ping();
});
