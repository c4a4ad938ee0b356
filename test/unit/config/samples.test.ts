import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseGatewayConfig } from '../../../src/config/gatewayConfig.ts';
import { loadStubConfig } from '../../../src/config/stubConfig.ts';

const samples = new URL('../../../config/', import.meta.url);
const path = (name: string) => new URL(name, samples).pathname;

function parseSample(name: string) {
  return parseGatewayConfig(readFileSync(path(name), 'utf8'), {
    file: path(name),
    readSecretFile: (file) => Buffer.from(`secret of ${file}`),
    env: { EQUALLOGIC_SECRET: 'secret of the array' },
  });
}

test('the complete gateway sample is valid and gives no warning', () => {
  const { config, warnings } = parseSample('gateway.yaml');
  expect(warnings).toEqual([]);
  expect(config.backends.map(({ name }) => name)).toEqual(['equallogic', 'tgt1']);
  expect(config.initiators.map(({ id }) => id)).toEqual(['db1', 'files1', 'laptop']);
});

test('the minimal gateway sample is valid and gives no warning', () => {
  const { config, warnings } = parseSample('gateway-minimal.yaml');
  expect(warnings).toEqual([]);
  expect(config.initiators).toHaveLength(1);
});

test('the stub sample is valid and gives no warning', () => {
  const { config, warnings } = loadStubConfig(path('stub.yaml'));
  expect(warnings).toEqual([]);
  expect(config.gateways).toHaveLength(2);
});

test.each(['gateway.yaml', 'gateway-minimal.yaml', 'stub.yaml'])(
  '%s names its schema for editors',
  (name) => {
    const kind = name.startsWith('stub') ? 'stub' : 'gateway';
    expect(readFileSync(path(name), 'utf8')).toMatch(
      `# yaml-language-server: $schema=schema/${kind}.schema.json\n`,
    );
  },
);
