import { expect, test } from 'vitest';
import { stubConfigFrom } from '../../../src/config/stubConfig.ts';
import { expectProblem, minimalGateway, parse, type Case } from './minimalGateway.ts';

const TLS = 'tls: { cert: a.crt, key: a.key, clientCa: operators.crt }';

const adminOf = (text: string) => parse(minimalGateway({ 13: text })).config.admin;

test.each([
  ['unix:/run/sangate/admin.sock', '/run/sangate/admin.sock'],
  ['unix:admin.sock', '/etc/sangate/admin.sock'],
  ['unix:./run/../admin.sock', '/etc/sangate/admin.sock'],
])('%s is a unix socket, from the folder of the file', (text, socket) => {
  expect(adminOf(`admin: { address: "${text}" }`)).toEqual({ address: { socket } });
});

test('a unix socket and a listener with TLS give no warning, wherever it listens', () => {
  for (const text of ['address: unix:/run/sangate/admin.sock', `address: 0.0.0.0:9260, ${TLS}`]) {
    expect(parse(minimalGateway({ 13: `admin: { ${text} }` })).warnings).toEqual([]);
  }
});

test('the files of TLS start at the folder of the file, and are watched with the rest', () => {
  const { config, files } = parse(
    minimalGateway({ 13: `admin: { ${TLS.replace(' }', ', crl: a.crl }')} }` }),
  );
  expect(config.admin).toEqual({
    address: { host: '127.0.0.1', port: 9260 },
    tls: {
      cert: '/etc/sangate/a.crt',
      key: '/etc/sangate/a.key',
      clientCa: '/etc/sangate/operators.crt',
      crl: '/etc/sangate/a.crl',
    },
  });
  for (const file of Object.values(config.admin!.tls!)) expect(files).toContain(file);
});

const CASES: Case[] = [
  [
    'a unix socket without a path',
    { 13: 'admin: { address: "unix:" }' },
    { at: '13:19', path: 'admin.address', message: /has no path/, hint: /unix:\/run/ },
  ],
  [
    'a unix socket written as a URL',
    { 13: 'admin: { address: "unix:///run/admin.sock" }' },
    { at: '13:19', path: 'admin.address', message: /has no path/, hint: /unix:\/run/ },
  ],
  [
    'TLS on a unix socket',
    { 13: `admin: { address: "unix:a.sock", ${TLS} }` },
    { at: '13:34', path: 'admin.tls', message: /no TLS on a unix socket/, hint: /remove tls/ },
  ],
  [
    'TLS without a CA',
    { 13: 'admin: { tls: { cert: a.crt, key: a.key } }' },
    { at: '13:10', path: 'admin.tls.clientCa', message: /missing/, hint: /operators-ca\.crt/ },
  ],
  [
    'the CA of initiators as that of operators',
    { 13: `admin: { ${TLS.replace('operators.crt', './ca.crt')} }` },
    {
      at: '13:52',
      path: 'admin.tls.clientCa',
      message: /every initiator could end every session.*listen\[0\]\.tls\.clientCa \(.*gateway\.yaml:3:/,
      hint: /sangate pki init --dir/,
    },
  ],
];

test.each(CASES)('%s is refused', (_name, edits, expected) => {
  expectProblem(edits, expected, undefined);
});

test('a stub has the same settings', () => {
  const settings = { gateways: ['gw.example.org'], tls: { cert: 'c', key: 'k', ca: 'ca' } };
  const of = (admin: object) => stubConfigFrom({ ...settings, admin }, '/etc/sangate');
  expect(of({ address: 'unix:stub.sock' }).config.admin).toEqual({
    address: { socket: '/etc/sangate/stub.sock' },
  });
  const { config, files } = of({ tls: { cert: 'a.crt', key: 'a.key', clientCa: 'operators.crt' } });
  expect(files).toEqual(expect.arrayContaining(Object.values(config.admin!.tls!)));
});
