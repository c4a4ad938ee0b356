import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfigFile } from '../../../src/config/readConfigFile.ts';

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'sangate-config-')), 'gateway.yaml');
});
afterEach(() => rmSync(join(file, '..'), { recursive: true }));

test('a byte order mark is no part of the text', () => {
  writeFileSync(file, '\ufeffa: é\n');
  expect(readConfigFile(file)).toBe('a: é\n');
});

test('a file that does not exist is named as it was typed', () => {
  expect(() => readConfigFile('./nothing.yaml')).toThrow(
    /^\.\/nothing\.yaml: there is no such file — check the path/,
  );
});

test('a folder cannot be read', () => {
  expect(() => readConfigFile(tmpdir())).toThrow(/cannot be read \(EISDIR\) — name a YAML file/);
});

test('more than a mebibyte is refused', () => {
  writeFileSync(file, Buffer.alloc(1024 * 1024 + 1, 0x20));
  expect(() => readConfigFile(file)).toThrow(/larger than 1 MiB/);
});

test('bytes that are not UTF-8 are refused', () => {
  writeFileSync(file, Buffer.from([0x61, 0x3a, 0x20, 0xe9]));
  expect(() => readConfigFile(file)).toThrow(/not UTF-8 text — save it as UTF-8/);
});
