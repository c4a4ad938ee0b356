import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { runGateway, type RunningGateway } from '../../src/run/runGateway.ts';
import { runStub, type RunningStub } from '../../src/run/runStub.ts';
import { loadGatewayConfig } from '../../src/config/gatewayConfig.ts';
import { stubConfigFrom } from '../../src/config/stubConfig.ts';
import { CapturedLog } from '../support/capturedLog.ts';
import { daysAgo, saveTestPki, testPki } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

interface Running {
  readonly service: RunningGateway | RunningStub;
  readonly reload: () => Promise<unknown>;
  readonly log: CapturedLog;
  /** Of the operators' authority. */
  readonly crl: string;
}

/** Both roles, with the authority's files in a folder of their own for operators. */
const ROLES = { gateway: startGateway, stub: startStub } as const;
const ADMIN = {
  address: '127.0.0.1:0',
  tls: { cert: 'gateway.crt', key: 'gateway.key', clientCa: 'operators/ca.crt', crl: 'operators/ca.crl' },
};

async function folder(): Promise<string> {
  const directory = await temporaryDirectory();
  await saveTestPki(directory);
  await mkdir(join(directory, 'operators'));
  await saveTestPki(join(directory, 'operators'));
  return directory;
}

async function startGateway(): Promise<Running> {
  const directory = await folder();
  const file = join(directory, 'gateway.yaml');
  const tls = { cert: 'gateway.crt', key: 'gateway.key', clientCa: 'ca.crt' };
  await writeFile(
    file,
    stringify({ listen: [{ address: '127.0.0.1:0', tls }], backends: {}, initiators: {}, admin: ADMIN }),
  );
  const log = new CapturedLog();
  const service = await runGateway(loadGatewayConfig(file).config, log.logger);
  onTestFinished(() => service.stop());
  const reload = () => service.reload(() => loadGatewayConfig(file));
  return { service, reload, log, crl: join(directory, 'operators', 'ca.crl') };
}

async function startStub(): Promise<Running> {
  const directory = await folder();
  const tls = { cert: 'client.crt', key: 'client.key', ca: 'ca.crt' };
  const settings = { listen: '127.0.0.1:0', gateways: ['127.0.0.1:1'], tls, admin: ADMIN };
  const log = new CapturedLog();
  const service = await runStub(stubConfigFrom(settings, directory).config, log.logger);
  onTestFinished(() => service.stop());
  const reload = () => service.reload(() => stubConfigFrom(settings, directory));
  return { service, reload, log, crl: join(directory, 'operators', 'ca.crl') };
}

async function get({ service }: Running, path: string): Promise<{ status: number; body: string }> {
  const { ca, client } = await testPki();
  const { address: host, port } = service.admin!;
  const request = https.request({ host, port, path, ca, ...client, agent: false }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, body: await text(response) };
}

const healthz = async (running: Running): Promise<number> => (await get(running, '/healthz')).status;

test.each(['gateway', 'stub'] as const)(
  'an operator whose certificate is revoked is refused once the %s has reloaded, and the log says who',
  async (role) => {
    const running = await ROLES[role]();
    expect(await healthz(running)).toBe(200);
    const { client, crlOf } = await testPki();
    await writeFile(running.crl, crlOf([client.cert]));
    await running.reload();
    await expect(healthz(running)).rejects.toThrow();
    const line = await running.log.line({ msg: 'admin request refused' });
    expect(line).toMatchObject({
      role: 'admin',
      address: '127.0.0.1',
      detail: expect.stringContaining('db1'),
    });
  },
);

test.each(['gateway', 'stub'] as const)(
  'a list that cannot be read leaves everything at the %s as it was',
  async (role) => {
    const running = await ROLES[role]();
    await writeFile(running.crl, 'damaged');
    await running.reload();
    expect(await healthz(running)).toBe(200);
    expect(running.log.lines).toContainEqual(
      expect.objectContaining({ msg: expect.stringMatching(/^reload failed/) }),
    );
  },
);

test('the ends of the admin listener’s certificate and of its list are told, and change with a reload', async () => {
  const running = await ROLES.gateway();
  const days = async (what: string): Promise<number> => {
    const series = `sangate_not_after_timestamp_seconds{what="${what}",listener="admin"} `;
    const line = (await get(running, '/metrics')).body.split('\n').find((line) => line.startsWith(series));
    return Math.round((Number(line?.slice(series.length)) - Date.now() / 1000) / 86_400);
  };
  expect([await days('certificate'), await days('crl')]).toEqual([30, 30]);
  await writeFile(running.crl, (await testPki()).crlOf([], daysAgo(10)));
  await running.reload();
  expect([await days('certificate'), await days('crl')]).toEqual([30, 20]);
});
