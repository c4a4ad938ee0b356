import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/config/problem.ts';
import { loadStubConfig, stubConfigFrom } from '../../../src/config/stubConfig.ts';

const settings = { gateways: ['gw.example.org'], tls: { cert: 'db1.crt', key: 'db1.key', ca: '/ca.crt' } };

function problemsOf(changes: object) {
  try {
    stubConfigFrom({ ...settings, ...changes }, '/etc/sangate');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('what is left out has its default', () => {
  expect(stubConfigFrom(settings, '/etc/sangate')).toEqual({
    config: {
      listen: { host: '127.0.0.1', port: 3260 },
      gateways: [{ host: 'gw.example.org', port: 3261 }],
      tls: { cert: '/etc/sangate/db1.crt', key: '/etc/sangate/db1.key', ca: '/ca.crt' },
      connectTimeoutSeconds: 5,
      warmTunnels: 1,
      workers: 1,
      watch: true,
      log: { level: 'info' },
    },
    warnings: [],
    files: ['/etc/sangate/db1.crt', '/etc/sangate/db1.key', '/ca.crt'],
    tlsFiles: [
      { file: '/etc/sangate/db1.crt', path: 'tls.cert', line: 0, column: 0 },
      { file: '/etc/sangate/db1.key', path: 'tls.key', line: 0, column: 0 },
      { file: '/ca.crt', path: 'tls.ca', line: 0, column: 0 },
    ],
  });
});

test('flags that were not given count as left out', () => {
  const { config } = stubConfigFrom(
    { ...settings, listen: undefined, serverName: undefined, admin: undefined },
    '/',
  );
  expect(config.listen.port).toBe(3260);
  expect(config).not.toHaveProperty('serverName');
  expect(config).not.toHaveProperty('admin');
});

test('all that can be set is set', () => {
  const { config } = stubConfigFrom(
    {
      ...settings,
      serverName: 'GW.example.org',
      advertise: '192.0.2.20',
      admin: {},
      connectTimeoutSeconds: 9,
      warmTunnels: 4,
      log: { level: 'debug' },
    },
    '/',
  );
  expect(config).toMatchObject({
    serverName: 'gw.example.org',
    advertise: { host: '192.0.2.20', port: 3260 },
    admin: { address: { host: '127.0.0.1', port: 9261 } },
    connectTimeoutSeconds: 9,
    warmTunnels: 4,
    log: { level: 'debug' },
  });
});

test('the configuration is frozen', () => {
  const { config } = stubConfigFrom(settings, '/');
  expect(Object.isFrozen(config.gateways[0])).toBe(true);
});

test('mistakes in flags have no line', () => {
  const [problem] = problemsOf({ gateways: [] });
  expect(problem).toMatchObject({
    file: 'command line',
    line: 0,
    column: 0,
    path: 'gateways',
    message: 'the list is empty',
  });
  expect(() => stubConfigFrom({ ...settings, gateways: [] }, '/')).toThrow(
    /^command line: gateways: the list is empty — write /,
  );
});

test.each([
  ['a gateway twice', { gateways: ['gw', 'GW:3261'] }, 'gateways[1]', /already at gateways\[0\]/],
  ['an address as server name', { serverName: '10.0.0.1' }, 'serverName', /not a DNS name/],
  [
    'an address that cannot be dialled as advertise',
    { advertise: '[::]:3260' },
    'advertise',
    /cannot be dialled/,
  ],
  ['an unknown key', { gateway: 'gw' }, 'gateway', /unknown key "gateway"/],
  ['too many warm tunnels', { warmTunnels: 17 }, 'warmTunnels', /out of range/],
  ['no time to connect', { connectTimeoutSeconds: 0 }, 'connectTimeoutSeconds', /out of range/],
])('%s is refused', (_name, changes, path, message) => {
  expect(problemsOf(changes)).toMatchObject([{ path, message: expect.stringMatching(message) as string }]);
});

test('warns when others can use the certificate of this stub', () => {
  const { warnings } = stubConfigFrom({ ...settings, listen: '0.0.0.0' }, '/');
  expect(warnings).toMatchObject([
    { path: 'listen', hint: expect.stringContaining('127.0.0.1:3260') as string },
  ]);
});

test('mistakes in a file have their line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sangate-stub-'));
  try {
    const file = join(folder, 'stub.yaml');
    writeFileSync(file, 'gateways: [gw]\ntls: { cert: a, key: b, clientCa: c }\n');
    expect(() => loadStubConfig(file)).toThrow(
      [
        `${file}:2:1: tls.ca: this key is missing — write ca: ../certs/ca.crt`,
        `${file}:2:25: tls.clientCa: unknown key "clientCa" — known here: cert, key, ca`,
      ].join('\n'),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a gateway's file is said to be one, and nothing else is said of it", () => {
  expect(() => stubConfigFrom({ listen: [], backends: {}, initiators: {} }, '/')).toThrow(
    /^command line: backends: this is the configuration of a gateway, not of a stub — check it with `sangate check`.*$/,
  );
});
