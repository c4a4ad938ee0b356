import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { stubConfigFrom } from '../../../src/config/stubConfig.ts';
import { STUB_BOUNDS, type StubBounds } from '../../../src/stub/bounds.ts';
import { Stub, type StubEvent } from '../../../src/stub/stub.ts';
import { loadStubCredentials, type StubCredentials } from '../../../src/tls/credentials.ts';
import { saveTestPki } from '../../support/certificates.ts';

let directory: string;
let tls: { readonly cert: string; readonly key: string; readonly ca: string };
let credentials: StubCredentials;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sangate-'));
  const file = await saveTestPki(directory);
  tls = { cert: file('client.crt'), key: file('client.key'), ca: file('ca.crt') };
  credentials = await loadStubCredentials(tls);
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A stub with these bounds, before a gateway that says nothing: what is dialled stays so. */
async function start(bounds: Partial<StubBounds>) {
  const gateway = net.createServer((socket) => void dialled.push(socket.on('error', () => {})));
  const dialled: Socket[] = [];
  await once(gateway.listen(0, '127.0.0.1'), 'listening');
  const { port: gatewayPort } = gateway.address() as AddressInfo;
  const told: StubEvent[] = [];
  const { config } = stubConfigFrom(
    {
      listen: '127.0.0.1:0',
      gateways: [`127.0.0.1:${gatewayPort}`],
      tls,
      warmTunnels: 0,
      connectTimeoutSeconds: 60,
    },
    '/',
  );
  const observe = (event: StubEvent): void => void told.push(event);
  const stub = new Stub({ config, credentials, observe, bounds: { ...STUB_BOUNDS, ...bounds } });
  const { port } = await stub.start();
  onTestFinished(async () => {
    await stub.stop();
    for (const socket of dialled) socket.destroy();
    await new Promise((resolve) => gateway.close(resolve));
  });
  /** An initiator whose gateway is being dialled. */
  const connect = async (): Promise<Socket> => {
    const initiator = net.connect({ host: '127.0.0.1', port }).resume();
    await once(gateway, 'connection');
    return initiator;
  };
  /** @returns when the stub has closed it */
  const connectInVain = async (): Promise<void> => {
    await once(net.connect({ host: '127.0.0.1', port }).resume(), 'close');
  };
  const endDials = (): void => {
    for (const socket of dialled.splice(0)) socket.destroy();
  };
  return { told, connect, connectInVain, endDials };
}

test('a connection above the bound is closed and told of, and the others stay', async () => {
  const { told, connect, connectInVain } = await start({ connections: 2 });
  const initiators = [await connect(), await connect()];
  await connectInVain();
  expect(told).toEqual([
    {
      kind: 'refused',
      initiator: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      hadWarm: false,
      detail: expect.stringContaining('2 connections of initiators are open'),
    },
  ]);
  expect(initiators.map(({ destroyed }) => destroyed)).toEqual([false, false]);
});

test('no more gateways are dialled at once than the bound says', async () => {
  const { told, connect, connectInVain } = await start({ dials: 1 });
  await connect();
  await connectInVain();
  expect(told).toMatchObject([
    { kind: 'refused', detail: expect.stringContaining('for 1 initiators a gateway is being dialled') },
  ]);
});

test('a connection and a dial that have ended make room for the next', async () => {
  const { told, connect, endDials } = await start({ dials: 1, connections: 1 });
  const first = await connect();
  endDials();
  await once(first, 'close');
  await connect();
  expect(told.map(({ kind }) => kind)).toEqual(['unreachable']);
});
