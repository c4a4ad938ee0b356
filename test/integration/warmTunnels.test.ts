import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { RunningStub } from '../../src/run/runStub.ts';
import { stubConfigFrom } from '../../src/config/stubConfig.ts';
import { IDENTITY } from '../support/loginPdus.ts';
import { ScriptedGateway } from '../support/scriptedGateway.ts';
import { startSite, startTarget, type Site, type SiteOptions } from '../support/site.ts';

/** A busy machine takes its time. */
const PATIENCE = { timeout: 20_000 };

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  const array = await startTarget();
  return startSite({ backends: { array1: { portals: [array.portal] } }, ...options });
}

const word = (text: string): Buffer => Buffer.from(text.padEnd(48));

const ADMIN = { address: '127.0.0.1:0' };

/** The stub's metrics, as text. */
async function metricsOf({ admin }: RunningStub): Promise<string> {
  return (await fetch(`http://${admin!.address}:${admin!.port}/metrics`)).text();
}

/** What the stub has counted of connections and of warm tunnels, zeros left out. */
async function counted(stub: RunningStub): Promise<Record<string, number>> {
  const counts = /^sangate_stub_(connections|warm_tunnels_used)_total\{result="(\w+)"\} ([1-9]\d*)$/gm;
  const found = [...(await metricsOf(stub)).matchAll(counts)];
  return Object.fromEntries(found.map(([, what, result, count]) => [`${what} ${result}`, Number(count)]));
}

/** An initiator that has asked for something through a tunnel that was dialled ahead. */
async function asking(gateway: ScriptedGateway) {
  const site = await start();
  const stub = await site.startStub({ gateways: [gateway.portal], admin: ADMIN });
  await gateway.has(1);
  const initiator = await site.connectPlain(stub.address.port);
  initiator.send(word('request'));
  return { site, stub, initiator };
}

test('a login goes through a tunnel that was dialled before it, and the next one is dialled at once', async () => {
  const site = await start();
  const stub = await site.startStub({ gateways: [`127.0.0.1:${site.port}`] });
  await site.log.line({ msg: 'tunnel open', level: 'debug' });
  site.log.forget();
  const initiator = await site.connectPlain(stub.address.port);
  await initiator.logIn();
  await initiator.ping();
  await site.log.line({ msg: 'tunnel open', warm: true });
  await site.log.line({ msg: 'tunnel open', level: 'debug' });
});

test('each of several initiators has the tunnel that was kept for it', async () => {
  const site = await start();
  const stub = await site.startStub({ gateways: [`127.0.0.1:${site.port}`], warmTunnels: 3 });
  await expect.poll(() => site.log.lines.filter(({ level }) => level === 'debug').length, PATIENCE).toBe(3);
  for (let count = 0; count < 3; count++) {
    const initiator = await site.connectPlain(stub.address.port);
    await initiator.logIn(IDENTITY, { isid: Buffer.from(`40000137000${count}`, 'hex') });
  }
  const opened = site.log.lines.filter(({ msg, gateway }) => msg === 'tunnel open' && gateway);
  expect(opened.map(({ warm }) => warm)).toEqual([true, true, true]);
});

test('without warm tunnels none is dialled before an initiator comes', async () => {
  const gateway = await ScriptedGateway.start(({ socket }) => socket.write('answer'));
  const site = await start();
  const stub = await site.startStub({ gateways: [gateway.portal], warmTunnels: 0 });
  const initiator = await site.connectPlain(stub.address.port);
  initiator.send(word('request'));
  await once(initiator.socket, 'data');
  expect(gateway.tunnels).toHaveLength(1);
  await site.log.line({ msg: 'tunnel open', warm: false });
});

test('an initiator whose tunnel closes unanswered as it gets it is told nothing: another tunnel hears the same', async () => {
  const gateway = await ScriptedGateway.start(({ socket, heard }, count) => {
    if (count === 1) socket.end();
    else if (heard().includes('request')) socket.write('answer');
  });
  const { site, initiator } = await asking(gateway);
  const [answer] = (await once(initiator.socket, 'data')) as [Buffer];
  expect(String(answer)).toBe('answer');
  expect(
    await site.log.line({ msg: 'the tunnel had been closed by the gateway: another one is open' }),
  ).toMatchObject({
    gateway: gateway.portal,
  });
  const [told] = gateway.tunnels.map(({ heard }) => heard()).filter((heard) => heard.includes('request'));
  expect(told!.split('request')).toHaveLength(2); // once, behind one PROXY header
  expect(told!.indexOf('\r\n\r\n\0\r\nQUIT\n')).toBe(0);
});

test('a tunnel that proves closed as it is given counts as closed, and its initiator as one connection', async () => {
  const gateway = await ScriptedGateway.start(({ socket, heard }, count) => {
    if (count === 1) socket.end();
    else if (heard().includes('request')) socket.write('answer');
  });
  const { stub, initiator } = await asking(gateway);
  await once(initiator.socket, 'data');
  expect(await counted(stub)).toEqual({ 'connections tunnel': 1, 'warm_tunnels_used closed': 1 });
});

test('an initiator that gets no other tunnel for one that proves closed counts as one without', async () => {
  const gateway = await ScriptedGateway.start(({ socket }) => {
    gateway.stopListening();
    socket.end();
  });
  const { site, stub, initiator } = await asking(gateway);
  await initiator.closed;
  await site.log.line({ msg: 'no gateway can be reached' });
  expect(await counted(stub)).toEqual({ 'connections unreachable': 1, 'warm_tunnels_used closed': 1 });
});

test('an initiator that leaves before the gateway has answered counts as one with a tunnel', async () => {
  const gateway = await ScriptedGateway.start(() => {});
  const site = await start();
  const stub = await site.startStub({ gateways: [gateway.portal], admin: ADMIN });
  await gateway.has(1);
  const initiator = await site.connectPlain(stub.address.port);
  await site.log.line({ msg: 'tunnel open', warm: true });
  expect(await counted(stub)).toEqual({});
  initiator.end();
  await site.log.line({ msg: 'tunnel closed' });
  expect(await counted(stub)).toEqual({ 'connections tunnel': 1, 'warm_tunnels_used given': 1 });
});

test.each([0, 1])(
  'a gateway hears of an initiator that says nothing, with %d warm tunnels',
  async (warmTunnels) => {
    const gateway = await ScriptedGateway.start(({ socket }) => socket.write('answer'));
    const site = await start();
    const stub = await site.startStub({ gateways: [gateway.portal], warmTunnels });
    await gateway.has(warmTunnels);
    const initiator = await site.connectPlain(stub.address.port);
    await once(initiator.socket, 'data');
  },
);

test('a tunnel that closes after its first answer ends its initiator, and nothing is said again', async () => {
  const gateway = await ScriptedGateway.start(({ socket, heard }) => {
    if (heard().includes('request')) socket.end('answer');
  });
  const { initiator } = await asking(gateway);
  await initiator.closed;
  expect(String(Buffer.concat(initiator.received))).toBe('answer');
  expect(gateway.tunnels.filter(({ heard }) => heard().includes('request'))).toHaveLength(1);
});

test('a gateway that closes the second tunnel as well lets the initiator go', async () => {
  const gateway = await ScriptedGateway.start(({ socket }) => socket.end());
  const { site, initiator } = await asking(gateway);
  await initiator.closed;
  expect(initiator.received).toEqual([]);
  await site.log.line({ msg: 'tunnel closed', level: 'warn' });
  expect(gateway.tunnels.filter(({ heard }) => heard().includes('request')).length).toBeLessThanOrEqual(2);
});

test('an initiator that gives up unanswered has the other warm tunnels dialled anew', async () => {
  const gateway = await ScriptedGateway.start(() => {});
  const site = await start();
  const stub = await site.startStub({ gateways: [gateway.portal], warmTunnels: 2 });
  await gateway.has(2);
  const initiator = await site.connectPlain(stub.address.port);
  initiator.send(word('request'));
  await expect
    .poll(() => gateway.tunnels.some(({ heard }) => heard().includes('request')), PATIENCE)
    .toBe(true);
  await gateway.has(3); // the successor of the one that was given
  const others = gateway.tunnels.filter(({ heard }) => heard() === '');
  const closed = others.map(({ socket }) => once(socket, 'close'));
  initiator.end();
  await Promise.all(closed);
  await gateway.has(5);
});

test('a reload dials the warm tunnels anew, as the new settings have it', async () => {
  const [before, after] = await Promise.all([
    ScriptedGateway.start(() => {}),
    ScriptedGateway.start(() => {}),
  ]);
  const site = await start();
  const stub = await site.startStub({ gateways: [before.portal] });
  await before.has(1);
  const closed = once(before.tunnels[0]!.socket, 'close');
  const tls = { cert: site.file('client.crt'), key: site.file('client.key'), ca: site.file('ca.crt') };
  await stub.reload(() => stubConfigFrom({ listen: '127.0.0.1:0', tls, gateways: [after.portal] }, '.'));
  await closed;
  await after.has(1);
  expect(before.tunnels).toHaveLength(1);
});

test('a stub that stops closes its warm tunnels', async () => {
  const gateway = await ScriptedGateway.start(() => {});
  const site = await start();
  const stub = await site.startStub({ gateways: [gateway.portal] });
  await gateway.has(1);
  const closed = once(gateway.tunnels[0]!.socket, 'close');
  await stub.stop();
  await closed;
});

test('when the first gateway drains, the next login finds a warm tunnel to the second', async () => {
  const [first, second] = await Promise.all([start(), start()]);
  const gateways = [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`];
  const stub = await second.startStub({ gateways });
  await first.log.line({ msg: 'tunnel open' });
  await first.gateway.drain();
  await second.log.line({ msg: 'tunnel open', level: 'debug' });
  const initiator = await second.connectPlain(stub.address.port);
  await initiator.logIn();
  await second.log.line({ msg: 'tunnel open', warm: true, gateway: gateways[1] });
});

test('a gateway that refuses the certificate of warm tunnels is told of once', async () => {
  const site = await start();
  const tls = { cert: site.file('revoked.crt'), key: site.file('revoked.key'), ca: site.file('ca.crt') };
  await site.startStub({ gateways: [`127.0.0.1:${site.port}`], tls });
  const message = 'no tunnel can be dialled ahead, initiators wait for their own';
  expect(await site.log.line({ msg: message })).toMatchObject({
    detail: expect.stringMatching(/closes tunnels that wait.*: its log says why.*this stub's certificate/),
  });
  site.log.forget();
  await site.log.line({ msg: 'tunnel refused', reason: 'revoked_cert' }); // again
  expect(site.log.lines.filter(({ msg }) => msg === message)).toEqual([]);
});

test('a gateway that lets nobody wait for long is told of, with what is to be done there', async () => {
  const site = await start({ limits: { waitingSeconds: 1 } });
  await site.startStub({ gateways: [`127.0.0.1:${site.port}`] });
  const line = await site.log.line({ msg: 'no tunnel can be dialled ahead, initiators wait for their own' });
  expect(line['detail']).toMatch(/closes tunnels that wait, this one after 1 s:.*limits\.waitingSeconds/);
});

test('metrics tell of warm tunnels', async () => {
  const site = await start();
  const stub = await site.startStub({
    gateways: [`127.0.0.1:${site.port}`],
    admin: ADMIN,
  });
  await site.log.line({ msg: 'tunnel open', level: 'debug' });
  expect(await metricsOf(stub)).toMatch(/^sangate_stub_warm_tunnels 1$/m);
  await (await site.connectPlain(stub.address.port)).logIn();
  expect(await counted(stub)).toEqual({ 'connections tunnel': 1, 'warm_tunnels_used given': 1 });
});

test("each of a stub's workers keeps tunnels of its own, and they are counted together", async () => {
  const site = await start();
  const stub = await site.startStub({ gateways: [`127.0.0.1:${site.port}`], workers: 2, admin: ADMIN });
  await expect.poll(() => metricsOf(stub), PATIENCE).toMatch(/^sangate_stub_warm_tunnels 2$/m);
  for (const last of [1, 2]) {
    const initiator = await site.connectPlain(stub.address.port);
    await initiator.logIn(IDENTITY, { isid: Buffer.from(`40000137000${last}`, 'hex') });
  }
  await expect
    .poll(() => counted(stub), PATIENCE)
    .toEqual({ 'connections tunnel': 2, 'warm_tunnels_used given': 2 });
});

test("that a stub's workers can dial none ahead is told once for all", async () => {
  const site = await start();
  const stub = await site.startStub({ gateways: ['127.0.0.1:1'], workers: 2 });
  const message = 'no tunnel can be dialled ahead, initiators wait for their own';
  await site.log.line({ msg: message });
  await site.connectPlain(stub.address.port);
  await site.connectPlain(stub.address.port);
  await expect
    .poll(() => site.log.lines.filter(({ msg }) => msg === 'no gateway can be reached').length, PATIENCE)
    .toBe(2);
  expect(site.log.lines.filter(({ msg }) => msg === message)).toHaveLength(1);
});
