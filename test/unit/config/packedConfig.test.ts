import { deserialize, serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { parseGatewayConfig } from '../../../src/config/gatewayConfig.ts';
import { packGatewayConfig, unpackGatewayConfig } from '../../../src/config/packedConfig.ts';

const TEXT = `
listen: [{ address: 127.0.0.1:0, tls: { cert: a, key: b, clientCa: c, crl: d }, advertise: 192.0.2.1:3260 }]
backends:
  array1:
    portals: [10.0.0.5:3260]
    redirectsTo: [10.0.0.0/24, "2001:db8::/48"]
    targets: ["iqn.2026-01.org.example:*"]
    chap: { user: gw, secret: { env: ARRAY }, mutual: { user: array, secret: { env: ARRAY_MUTUAL } } }
initiators:
  db1:
    iqn: iqn.1993-08.org.debian:01:db1
    certificate: { uri: "spiffe://example.org/db1" }
    from: [203.0.113.0/24, "::/0", 192.0.2.7]
    chap: { user: db1, secret: { env: DB1 }, algorithms: [sha256] }
    access: [{ target: "iqn.2026-01.org.example:*", luns: [0, 1], mode: read-only }]
`;
const env = { ARRAY: 'the array secret', ARRAY_MUTUAL: 'the other secret', DB1: 'the secret of db1' };

const { config } = parseGatewayConfig(TEXT, { file: 'gateway.yaml', env });
const crossed = unpackGatewayConfig(
  deserialize(serialize(packGatewayConfig(config))) as ReturnType<typeof packGatewayConfig>,
);

const shown = (of: unknown): unknown => JSON.parse(JSON.stringify(of));
const secrets = (of: typeof config) => {
  const { chap: toArray } = of.backends[0]!;
  return [toArray!.secret, toArray!.mutual!.secret, of.initiators[0]!.chap!.secret];
};

test('a configuration is the same on the other side of a link, key by key', () => {
  expect(shown(crossed)).toEqual(shown(config));
  expect(Object.isFrozen(crossed.initiators[0])).toBe(true);
});

test('secrets are the same, and still show themselves to nobody', () => {
  expect(secrets(crossed).map((secret) => Buffer.from(secret.reveal()).toString())).toEqual(
    Object.values(env),
  );
  expect(JSON.stringify(crossed)).not.toContain('secret of db1');
});

test.each(['203.0.113.9', '192.0.2.7', '192.0.2.8', '2001:db8::1', '10.0.0.9', '::ffff:203.0.113.9'])(
  'the addresses of a rule are the same: %s',
  (address) => {
    const [was, is] = [config, crossed].map(({ initiators }) => initiators[0]!.from);
    expect(is!.contains(address)).toBe(was!.contains(address));
    const [before, after] = [config, crossed].map(({ backends }) => backends[0]!.redirectsTo!);
    expect(after!.contains(address)).toBe(before!.contains(address));
    expect(after!.toString()).toBe(before!.toString());
    expect(after!.example).toBe(before!.example);
  },
);
