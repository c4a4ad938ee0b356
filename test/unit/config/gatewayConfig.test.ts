import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadGatewayConfig, loadGatewayConfigWithoutSecrets } from '../../../src/config/gatewayConfig.ts';
import { minimalGateway, parse } from './minimalGateway.ts';

test('what is left out has its default', () => {
  const { config } = parse(minimalGateway());
  expect(config.limits).toEqual({
    unauthenticated: 256,
    unauthenticatedPerAddress: 64,
    loginSeconds: 15,
    waiting: 1024,
    waitingPerCertificate: 64,
    waitingSeconds: 600,
    discoverySeconds: 3,
    sessionsPerInitiator: 256,
    drainSeconds: 10,
  });
  expect(config.guards).toEqual({ duplicateInitiators: 'report' });
  expect(config.watch).toBe(true);
  expect(config.admin).toEqual({ address: { host: '127.0.0.1', port: 9260 } });
  expect(config.log).toEqual({ level: 'info' });
  expect(config.backends[0]).toMatchObject({
    portals: [{ host: '10.0.0.5', port: 3260 }],
    connectTimeoutSeconds: 5,
  });
});

test('what may be left out is absent, not undefined', () => {
  const { config } = parse(minimalGateway());
  expect(Object.keys(config.listen[0]!)).toEqual(['address', 'tls']);
  expect(Object.keys(config.backends[0]!)).toEqual(['name', 'portals', 'connectTimeoutSeconds', 'location']);
  expect(config.initiators[0]).not.toHaveProperty('chap');
});

test('the configuration and every file that it names are told, to be watched', () => {
  const { files } = parse(
    minimalGateway({ 11: '    chap: { user: db1, secret: { file: secrets/db1 } }\n    from: [203.0.113.7]' }),
  );
  expect(files).toEqual(
    ['gateway.yaml', 'gw.crt', 'gw.key', 'ca.crt', 'secrets/db1'].map((name) => `/etc/sangate/${name}`),
  );
});

test('admin: false turns it off', () => {
  expect(parse(minimalGateway({ 13: 'admin: false' })).config).not.toHaveProperty('admin');
});

test('TLS files are resolved against the folder of the configuration', () => {
  const { config } = parse(
    minimalGateway({ 3: '    tls: { cert: gw.crt, key: ../gw.key, clientCa: /ca.crt, crl: a/b }' }),
  );
  expect(config.listen[0]!.tls).toEqual({
    cert: '/etc/sangate/gw.crt',
    key: '/etc/gw.key',
    clientCa: '/ca.crt',
    crl: '/etc/sangate/a/b',
  });
});

test('advertise comes out with its port', () => {
  const { config } = parse(minimalGateway({ 2: '  - address: "[::]:0"\n    advertise: "[2001:DB8::1]"' }));
  expect(config.listen[0]).toMatchObject({
    address: { host: '::', port: 0 },
    advertise: { host: '2001:db8::1', port: 3260 },
  });
});

test("listeners on port 0 do not stand in each other's way", () => {
  const tls = 'tls: { cert: gw.crt, key: gw.key, clientCa: ca.crt }';
  const { config } = parse(
    minimalGateway({
      2: `  - { address: "127.0.0.1:0", ${tls} }`,
      3: `  - { address: "127.0.0.1:0", ${tls} }`,
    }),
  );
  expect(config.listen).toHaveLength(2);
});

test('names are normalised and rules know where they stand', () => {
  const { config } = parse(minimalGateway({ 9: '    iqn: IQN.1993-08.Org.debian:01:DB1' }));
  expect(config.initiators[0]).toMatchObject({
    id: 'db1',
    iqn: 'iqn.1993-08.org.debian:01:db1',
    certificate: { kind: 'uri', value: 'spiffe://example.org/db1' },
    location: '/etc/sangate/gateway.yaml:8:3',
    access: [
      {
        target: 'iqn.2001-05.com.equallogic:*',
        mode: 'read-write',
        allow: [],
        location: '/etc/sangate/gateway.yaml:12:14',
      },
    ],
  });
  expect(config.backends[0]!.location).toBe('/etc/sangate/gateway.yaml:5:3');
});

test('CHAP has its secrets, users and digests', () => {
  const text =
    '    chap: { user: db1, secret: { file: a }, algorithms: [md5], mutual: { user: gw, secret: { env: B } } }';
  const { config } = parse(minimalGateway({ 13: text }), { a: 'first secret\r\n', B: 'other secret' });
  const chap = config.initiators[0]!.chap!;
  expect(chap).toMatchObject({ user: 'db1', algorithms: ['md5'], mutual: { user: 'gw' } });
  expect(Buffer.from(chap.secret.reveal()).toString()).toBe('first secret');
  expect(Buffer.from(chap.mutual!.secret.reveal()).toString()).toBe('other secret');
});

test('without algorithms all are allowed, MD5 first, which every target knows', () => {
  const { config } = parse(minimalGateway({ 13: '    chap: { user: db1, secret: { file: a } }' }));
  expect(config.initiators[0]!.chap!.algorithms).toEqual(['md5', 'sha256', 'sha3-256', 'sha1']);
});

test('a backend has its redirects, targets and CHAP', () => {
  const { config } = parse(
    minimalGateway({
      6: '    portals: ["[2001:db8::5]"]\n    redirectsTo: [10.0.0.0/24]\n    targets: ["IQN.2001-05.com.x:*"]\n    chap: { user: gw, secret: { file: a } }',
    }),
  );
  const backend = config.backends[0]!;
  expect(backend).toMatchObject({
    portals: [{ host: '2001:db8::5', port: 3260 }],
    targets: ['iqn.2001-05.com.x:*'],
    chap: { user: 'gw' },
  });
  expect(backend.redirectsTo!.contains('10.0.0.77')).toBe(true);
  expect(backend.redirectsTo!.contains('10.0.1.77')).toBe(false);
});

test('an access entry may name LUNs, a mode, and what is allowed beyond it', () => {
  const { config, warnings } = parse(
    minimalGateway({
      12: '    access: [{ target: "iqn.2001-05.com.x:*", luns: [0, 300], mode: read-only, allow: [reservations, vendor] }]',
    }),
  );
  expect(config.initiators[0]!.access).toEqual([
    {
      target: 'iqn.2001-05.com.x:*',
      luns: [0, 300],
      mode: 'read-only',
      allow: ['reservations', 'vendor'],
      location: '/etc/sangate/gateway.yaml:12:14',
    },
  ]);
  expect(warnings).toEqual([]);
});

test('an access entry that names no LUNs hides none', () => {
  expect(parse(minimalGateway()).config.initiators[0]!.access[0]).not.toHaveProperty('luns');
});

test('anchors and merge keys share what entries have in common', () => {
  const { config } = parse(
    minimalGateway({
      5: '  array0: &common\n    connectTimeoutSeconds: 2',
      6: '    portals: [10.0.0.4]\n  array1:\n    <<: *common\n    portals: [10.0.0.5]',
    }),
  );
  expect(config.backends.map(({ connectTimeoutSeconds }) => connectTimeoutSeconds)).toEqual([2, 2]);
});

test('the configuration is frozen all the way down', () => {
  const { config } = parse(minimalGateway());
  const thaw = (value: unknown): unknown[] =>
    typeof value === 'object' && value !== null
      ? [...(Object.isFrozen(value) ? [] : [value]), ...Object.values(value).flatMap(thaw)]
      : [];
  expect(thaw(config)).toEqual([]);
});

test('reading twice gives equal configurations that share nothing', () => {
  const [first, second] = [parse(minimalGateway()).config, parse(minimalGateway()).config];
  expect(JSON.stringify(first)).toBe(JSON.stringify(second));
  expect(first.limits).not.toBe(second.limits);
});

test('secrets stay hidden when the configuration is printed', () => {
  const { config } = parse(minimalGateway({ 13: '    chap: { user: db1, secret: { env: S } }' }), {
    S: 'hunter2hunter2',
  });
  expect(JSON.stringify(config)).not.toMatch(/hunter2/);
});

const WARNINGS: [name: string, edits: Record<number, string>, at: string, message: RegExp][] = [
  [
    'a lone * shows all targets',
    { 12: '    access: [{ target: "*" }]' },
    '12:24',
    /every target of every backend/,
  ],
  [
    'a target is written twice',
    { 12: '    access: [{ target: "iqn.2001-05.com.x:*" }, { target: "IQN.2001-05.com.x:*" }]' },
    '12:59',
    /written twice/,
  ],
  [
    'a range is covered by another',
    { 11: '    from: [10.1.0.0/16, 10.0.0.0/8]' },
    '11:12',
    /10\.1\.0\.0\/16 adds nothing: 10\.0\.0\.0\/8 covers it/,
  ],
  ['a range is written twice', { 11: '    from: [10.0.0.0/8, 10.0.0.0/8]' }, '11:24', /adds nothing/],
  [
    'metrics are open to the network',
    { 13: 'admin: { address: 0.0.0.0:9260 }' },
    '13:19',
    /whoever reaches this address.* name initiators, targets and arrays/,
  ],
];

test.each(WARNINGS)('warns when %s', (_name, edits, at, message) => {
  const { warnings } = parse(minimalGateway(edits));
  expect(warnings).toHaveLength(1);
  expect(`${warnings[0]!.line}:${warnings[0]!.column}`).toBe(at);
  expect(warnings[0]!.message).toMatch(message);
});

test('warns when two initiators have one secret', () => {
  const second = `  db2:
    iqn: iqn.1993-08.org.debian:01:db2
    certificate: { cn: db2 }
    from: [203.0.113.0/24]
    access: [{ target: "iqn.2001-05.com.equallogic:*" }]
    chap: { user: db2, secret: { file: a } }`;
  const { warnings } = parse(
    minimalGateway({ 13: `    chap: { user: db1, secret: { file: a } }\n${second}` }),
  );
  expect(warnings).toMatchObject([
    {
      line: 19,
      path: 'initiators.db2.chap.secret',
      message: 'this is the same secret as initiators.db1.chap.secret',
    },
  ]);
});

test('warns when nobody may log in', () => {
  const { warnings } = parse(minimalGateway().replace(/initiators:[^]*/, 'initiators: {}'));
  expect(warnings).toMatchObject([{ line: 7, column: 13, path: 'initiators' }]);
});

test('a file is read from disk, and locations keep the name that was typed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sangate-config-'));
  try {
    const file = `${folder}/./gateway.yaml`;
    writeFileSync(file, minimalGateway());
    const { config } = loadGatewayConfig(file);
    expect(config.initiators[0]!.location).toBe(`${file}:8:3`);
    expect(config.listen[0]!.tls.cert).toBe(join(folder, 'gw.crt'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('whoever may not read the secrets can read the rest, and nobody can log in by that', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sangate-config-'));
  try {
    const file = join(folder, 'gateway.yaml');
    const chap =
      '    chap: { user: db1, secret: { file: missing }, mutual: { user: gw, secret: { env: UNSET } } }';
    writeFileSync(file, minimalGateway({ 13: chap }));
    expect(() => loadGatewayConfig(file)).toThrow('does not exist');
    const { config, files } = loadGatewayConfigWithoutSecrets(file);
    expect(config.initiators[0]).toMatchObject({ chap: { user: 'db1', mutual: { user: 'gw' } } });
    expect(() => config.initiators[0]!.chap!.secret.reveal()).toThrow('not read');
    expect(() => config.initiators[0]!.chap!.mutual!.secret.reveal()).toThrow('not read');
    expect(files.filter((name) => name.includes('missing'))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without the secrets, every other mistake is still found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sangate-config-'));
  try {
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, minimalGateway({ 13: '    chap: { user: db1, secret: { fil: a } }\n    form: []' }));
    expect(() => loadGatewayConfigWithoutSecrets(file)).toThrow(
      /did you mean file\?.*[^]*did you mean from\?/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('warns of each rule that is not enforced, and of no other', () => {
  const other = minimalGateway().split('\n').slice(7).join('\n').replaceAll('db1', 'db2');
  const { warnings } = parse(minimalGateway({ 13: `    shadow: true\n${other}\n    shadow: false` }));
  expect(warnings).toMatchObject([
    {
      line: 13,
      path: 'initiators.db1.shadow',
      message: 'db1: access is not enforced (shadow: true)',
      hint: expect.stringContaining('remove this line'),
    },
  ]);
});
