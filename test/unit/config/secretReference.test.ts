import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSecretFile, resolveSecret, SYSTEM_SECRETS } from '../../../src/config/secretReference.ts';

/** A tool of every POSIX system. */
const MAKE_PIPE = 'mkfifo';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sangate-secret-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function secretFile(content: string, mode = 0o600): string {
  const file = join(folder, 'secret');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

const fromFile = (content: string) =>
  Buffer.from(resolveSecret({ file: secretFile(content) }, '/', SYSTEM_SECRETS).reveal()).toString();

const fromEnv = (env: Record<string, string>) => () =>
  resolveSecret({ env: 'S' }, '/', { ...SYSTEM_SECRETS, env });

test.each([
  ['no newline', 'twelve bytes', 'twelve bytes'],
  ['one newline', 'twelve bytes\n', 'twelve bytes'],
  ['a Windows newline', 'twelve bytes\r\n', 'twelve bytes'],
  ['two newlines', 'twelve bytes\n\n', 'twelve bytes\n'],
  ['a space', 'twelve bytes ', 'twelve bytes '],
])('at the end of a file, %s leaves the secret that is meant', (_name, content, secret) => {
  expect(fromFile(content)).toBe(secret);
});

test('a relative file is looked for in the given folder', () => {
  secretFile('twelve bytes');
  expect(resolveSecret({ file: 'secret' }, folder, SYSTEM_SECRETS).length).toBe(12);
});

test('a hexadecimal form is text like any other', () => {
  expect(fromFile('0x0123456789')).toBe('0x0123456789');
});

test.each(['', '\n'])('an empty file (%j) is refused', (content) => {
  expect(() => fromFile(content)).toThrow(/is empty/);
});

test('eleven bytes are too short, and not shown', () => {
  expect(() => fromFile('hunter2hunt')).toThrow(/^the secret in the file ".*" is too short \(11 bytes\)$/);
});

test('255 bytes are taken, 256 are not', () => {
  expect(fromFile(`${'x'.repeat(255)}\r\n`)).toHaveLength(255);
  expect(() => fromFile('x'.repeat(256))).toThrow(/longer than 255 bytes/);
  expect(() => fromFile(`${'x'.repeat(5000)}\n`)).toThrow(/longer than 255 bytes/);
});

test('a variable is taken as it is, bytes counted in UTF-8', () => {
  expect(fromEnv({ S: 'ééééén' })).toThrow(/too short \(11 bytes\)/);
  expect(fromEnv({ S: 'éééééé' })().length).toBe(12);
});

test('a variable that is empty or not set is refused by its name', () => {
  expect(fromEnv({ S: '' })).toThrow('the environment variable S is empty');
  expect(fromEnv({})).toThrow('the environment variable S is not set');
});

test.runIf(process.platform !== 'win32').each([
  [0o644, /open to every user of this machine \(mode 644\)/],
  [0o601, /open to every user/],
  [0o602, /open to every user/],
  [0o620, /can be written by its group \(mode 620\)/],
])('mode %o is refused with the command that mends it', (mode, message) => {
  const file = secretFile('twelve bytes', mode);
  expect(() => readSecretFile(file)).toThrow(message);
  expect(() => readSecretFile(file)).toThrow(expect.objectContaining({ hint: `type: chmod 600 ${file}` }));
});

test.runIf(process.platform !== 'win32').each([0o600, 0o400, 0o640, 0o440])('mode %o is taken', (mode) => {
  expect(readSecretFile(secretFile('twelve bytes', mode)).length).toBe(12);
});

test.runIf(process.platform !== 'win32')('a link is judged by the file that it leads to', () => {
  symlinkSync(secretFile('twelve bytes', 0o644), join(folder, 'link'));
  expect(() => readSecretFile(join(folder, 'link'))).toThrow(/open to every user/);
});

test('a file that does not exist is named', () => {
  const file = join(folder, 'nothing');
  expect(() => readSecretFile(file)).toThrow(`the secret file "${file}" does not exist`);
});

test('a folder is not a file', () => {
  mkdirSync(join(folder, 'sub'));
  expect(() => readSecretFile(join(folder, 'sub'))).toThrow(/is not a file|cannot be read/);
});

test.runIf(process.platform !== 'win32')('a named pipe is refused without waiting for its writer', () => {
  execFileSync(MAKE_PIPE, ['-m', '600', join(folder, 'pipe')]);
  expect(() => readSecretFile(join(folder, 'pipe'))).toThrow(/is not a file/);
});
