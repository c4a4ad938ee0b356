import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { verifyTrail } from '../../src/audit/verify.ts';
import { linesOf, openTrail, login, writtenTrail } from '../support/auditTrail.ts';
import { sangate } from '../support/commandLine.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const WRITER = fileURLToPath(new URL('../support/auditWriter.mjs', import.meta.url));
const MODULE = new URL('../../dist/audit/auditTrail.js', import.meta.url).href;

/** Lets a process write, kills it when it has asked for so many lines, and waits for its end. */
async function killedWriter(file: string, lines: number): Promise<void> {
  const child = spawn(process.execPath, [WRITER, MODULE, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close');
  let asked = 0;
  for await (const text of child.stdout.setEncoding('utf8')) {
    asked = Math.max(asked, ...String(text).trim().split('\n').map(Number));
    if (asked >= lines) break;
  }
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, string];
  expect(signal).toBe('SIGKILL');
}

test('a process that is killed in mid-load leaves a chain that verifies, and the next goes on in it', async () => {
  const file = join(await temporaryDirectory(), 'audit.jsonl');
  await killedWriter(file, 3000);
  const first = await verifyTrail([file]);
  expect(first.problems).toEqual([]);
  expect(first.lines).toBeGreaterThan(2000);
  await killedWriter(file, 1000);
  const second = await verifyTrail([file]);
  expect(second.problems).toEqual([]);
  expect(second.lines).toBeGreaterThan(first.lines);
  const { trail } = await openTrail({ file });
  trail.write(login(1));
  await trail.close();
  const { code, stderr } = await sangate(['audit', 'verify', file]);
  expect([code, stderr]).toEqual([0, '']);
});

test('processes that want one trail at the same moment take turns', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, 'audit.jsonl');
  const script = `const { openAudit } = await import(${JSON.stringify(MODULE)});
    const trail = await openAudit({ file: ${JSON.stringify(file)}, patienceMs: 60_000, onAlarm: () => {} });
    trail.write({ action: 'login', outcome: 'success' });
    await trail.close();`;
  const ended = Array.from({ length: 6 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    onTestFinished(() => void child.kill('SIGKILL'));
    return once(child, 'close');
  });
  await Promise.all(ended);
  expect(await verifyTrail([file])).toMatchObject({ lines: 6, problems: [] });
  expect((await readdir(directory)).sort()).toEqual(['audit.jsonl', 'audit.jsonl.head']);
});

test('a second process is refused while the first one writes', async () => {
  const file = join(await temporaryDirectory(), 'audit.jsonl');
  const child = spawn(process.execPath, [WRITER, MODULE, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await expect(openTrail({ file })).rejects.toThrow(`is written by process ${child.pid} already`);
});

test('audit verify says of an intact trail from where to where it goes, and ends 0', async () => {
  const file = await writtenTrail(5, { maxBytes: 1500 });
  const { code, stdout, stderr } = await sangate(['audit', 'verify', file]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^✓ 6 lines in 2 file\(s\) are intact: number 1 to 6, the last hash is [0-9a-f]{64}\n$/,
  );
});

test('audit verify names file, line and what happened, and ends 1', async () => {
  const file = await writtenTrail(5);
  await writeFile(file, (await readFile(file, 'utf8')).replace('"session":3', '"session":4'));
  const { code, stdout } = await sangate(['audit', 'verify', file]);
  expect([code, stdout]).toEqual([1, `✗ ${file}:3: number 3 was changed: it does not match its own hash\n`]);
});

test('audit verify takes an incomplete last line for what it is, and ends 0', async () => {
  const file = await writtenTrail(2);
  await appendFile(file, '{"@timest');
  const { code, stdout, stderr } = await sangate(['audit', 'verify', file]);
  expect([code, stdout]).toEqual([0, expect.stringContaining('2 lines in 1 file(s) are intact')]);
  expect(stderr).toContain(
    'the last line is incomplete, as after a crash or while it is being written: 9 bytes',
  );
});

test('audit verify --json is for programs', async () => {
  const file = await writtenTrail(2);
  const { code, stdout } = await sangate(['audit', 'verify', '--json', file]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    intact: true,
    lines: 2,
    first: { seq: 1 },
    last: { seq: 2 },
    problems: [],
  });
});

test('audit verify --expect fails for a hash that is not in the trail', async () => {
  const file = await writtenTrail(2);
  const [{ sangate: own }] = (await linesOf(file)) as [Awaited<ReturnType<typeof linesOf>>[number]];
  expect((await sangate(['audit', 'verify', file, '--expect', own.chain.hash])).code).toBe(0);
  const { code, stdout } = await sangate(['audit', 'verify', file, '--expect', 'a'.repeat(64)]);
  expect([code, stdout]).toEqual([1, expect.stringContaining('no line has the expected hash aaaa')]);
  expect((await sangate(['audit', 'verify', file, '--expect', 'x'])).code).toBe(64);
});

test.each([
  ['is not there', '/nowhere/audit.jsonl', "can't be read"],
  ['holds no line', '/dev/null', 'there is no line'],
])('audit verify of a file that %s ends 1', async (_, file, message) => {
  const { code, stdout, stderr } = await sangate(['audit', 'verify', file]);
  expect([code, stdout + stderr]).toEqual([1, expect.stringContaining(message)]);
});

test('every act of pki is a line beside the authority, also one that failed', async () => {
  const cwd = await temporaryDirectory();
  const acts = [
    ['init'],
    ['issue', 'gateway', '--server', '--dns', 'gw.example.org'],
    ['issue', 'db1', '--client', '--uri', 'spiffe://example.org/db1'],
    ['issue', 'db1', '--client'],
    ['revoke', 'db1'],
    ['renew-crl'],
    ['init'],
  ];
  for (const act of acts) await sangate(['pki', ...act], { cwd });
  const trail = join(cwd, 'certs', 'audit.jsonl');
  const lines = await linesOf(trail);
  expect(lines.map(({ event, message }) => [event.action, event.outcome, message])).toEqual([
    ['pki-init', 'success', 'an authority named sangate CA, for 3650 days'],
    ['pki-issue', 'success', 'a server certificate for gateway, gw.example.org, for 825 days'],
    ['pki-issue', 'success', 'a client certificate for db1, spiffe://example.org/db1, for 825 days'],
    [
      'pki-issue',
      'failure',
      expect.stringContaining('a client certificate for db1, for 825 days: certs/db1.crt exists'),
    ],
    ['pki-revoke', 'success', 'the certificate db1'],
    ['pki-renew-crl', 'success', expect.stringMatching(/^revocation list 3, until /)],
    ['pki-init', 'failure', expect.stringContaining('this directory has an authority')],
  ]);
  expect(lines[2]!.sangate['serial']).toBe(lines[4]!.sangate['serial']);
  expect((await stat(trail)).mode & 0o777).toBe(0o600);
  expect((await verifyTrail([trail])).problems).toEqual([]);
});

test('acts of pki at the same time each have their line', async () => {
  const cwd = await temporaryDirectory();
  await sangate(['pki', 'init'], { cwd });
  const names = ['a', 'b', 'c'];
  const ended = await Promise.all(names.map((name) => sangate(['pki', 'issue', name, '--client'], { cwd })));
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(await verifyTrail([join(cwd, 'certs', 'audit.jsonl')])).toMatchObject({ lines: 4, problems: [] });
});

test('an act of pki that can not be recorded is not done', async () => {
  const cwd = await temporaryDirectory();
  await sangate(['pki', 'init'], { cwd });
  const trail = join(cwd, 'certs', 'audit.jsonl');
  await rm(trail);
  await mkdir(trail);
  const { code, stderr } = await sangate(['pki', 'issue', 'db1', '--client'], { cwd });
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('nothing was done, because it could not be recorded'),
  ]);
  await expect(stat(join(cwd, 'certs', 'db1.crt'))).rejects.toThrow('ENOENT');
});
