import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DENIAL_KINDS } from '../../src/accounting/nexus.ts';
import { loadGatewayConfig } from '../../src/config/gatewayConfig.ts';
import { Failure, FAILURE_REASONS } from '../../src/failures.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const documents = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...['docs', 'certs', 'deploy', 'test/vectors'].flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  ),
];

test.each(FAILURE_REASONS)('README says once what %s is told as, and what to do', (reason) => {
  const rows = read('README.md')
    .split('\n')
    .filter((line) => line.startsWith(`| \`${reason}\` |`));
  const { wire } = new Failure(reason, '');
  const told = wire === 'close' ? 'closed' : wire.toString(16).padStart(4, '0');
  expect(rows.map((row) => row.split(' | ')[1])).toEqual([told]);
});

test('README explains no reason that does not exist', () => {
  const explained = [...read('README.md').matchAll(/^\| `(\w+)` \| (?:closed|0[0-9a-f]{3}) \|/gm)];
  expect(explained.map(([, reason]) => reason).filter((reason) => !isReason(reason!))).toEqual([]);
});

test('README explains each kind of denial once, and no other', () => {
  const [, rows] = /^\| `denial` \|.*\n\| --- .*\n((?:\|.*\n)+)/m.exec(read('README.md'))!;
  const explained = [...rows!.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, kind]) => kind);
  expect(explained).toEqual(DENIAL_KINDS);
});

test('every npm command that a document names is a script of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = documents.flatMap((file) =>
    [...read(file).matchAll(/\bnpm\s+(?:run\s+([\w:-]+)|(test)\b)/g)].map((match) => match[1] ?? match[2]!),
  );
  expect(named).toContain('demo');
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
});

test('what README tells a newcomer to run is run by .ci/run', () => {
  const steps = read('.ci/run')
    .split('\n')
    .filter((line) => line.startsWith('step '))
    .map((line) => line.replace(/^step (?:env \w+=\w+ )?/, ''));
  for (const command of ['npm run demo -- --once', 'npm test', 'npm run interop', 'scripts/install-peers']) {
    expect(read('README.md').replaceAll(/\s+/g, ' ')).toContain(command);
    expect(steps).toContain(command);
  }
});

test('every metric that a document names is in docs/metrics.md', () => {
  const metrics = read('docs/metrics.md');
  const named = documents.flatMap((file) =>
    [...read(file).matchAll(/`(sangate_\w+)`/g)].map(([, name]) => ({ file, name: name! })),
  );
  expect(named.filter(({ file }) => file === 'README.md').length).toBeGreaterThan(0);
  expect(named.filter(({ name }) => !metrics.includes(`| \`${name}\` |`))).toEqual([]);
});

test('the configuration that README begins with is one', async () => {
  const [, yaml] = /```yaml\n(.*?)```/s.exec(read('README.md'))!;
  const directory = await temporaryDirectory();
  mkdirSync(path.join(directory, 'secrets'));
  writeFileSync(path.join(directory, 'secrets', 'db1'), 'sixteen letters!\n', { mode: 0o600 });
  writeFileSync(path.join(directory, 'gateway.yaml'), yaml!);
  const { config, warnings } = loadGatewayConfig(path.join(directory, 'gateway.yaml'));
  expect(config.initiators.map(({ id }) => id)).toEqual(['db1']);
  expect(warnings).toEqual([]);
});

test.each(documents)('the relative links of %s lead somewhere', (file) => {
  const dead = [...read(file).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, link]) => link!)
    .filter((link) => !existsSync(path.join(root, path.dirname(file), link)));
  expect(dead).toEqual([]);
});

test.each(documents)('the tests that %s names exist', (file) => {
  const text = read(file).replaceAll(/\s+/g, ' '); // a name may be broken over two lines
  const named = [...text.matchAll(/\]\(([^)\s]+\.test\.ts)\) "([^"]+)"/g)];
  const missing = named.filter(
    ([, link, name]) => !read(path.join(path.dirname(file), link!)).includes(name!),
  );
  expect(missing.map(([, link, name]) => `${link}: ${name}`)).toEqual([]);
});

test('docs/architecture.md has every folder and file of src/', () => {
  const architecture = read('docs/architecture.md');
  const missing = readdirSync(path.join(root, 'src'), { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .filter((name) => !new RegExp(`^  (?:\\S+ )*${name.replace('.', '\\.')} `, 'm').test(architecture));
  expect(missing).toEqual([]);
});

test('the import law knows every folder of src/', () => {
  const law = read('.dependency-cruiser.cjs');
  const folders = readdirSync(path.join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  expect(folders.filter((name) => !law.includes(`  '${name}/': [`))).toEqual([]);
});

function isReason(word: string): boolean {
  return (FAILURE_REASONS as readonly string[]).includes(word);
}
