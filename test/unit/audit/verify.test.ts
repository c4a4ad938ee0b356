import { createHash } from 'node:crypto';
import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { seal, unseal } from '../../../src/audit/chain.ts';
import { lineOf } from '../../../src/audit/entry.ts';
import { readHead, writeHead } from '../../../src/audit/head.ts';
import { verifyTrail } from '../../../src/audit/verify.ts';
import { linesOf, login, writtenTrail } from '../../support/auditTrail.ts';

/** Changes the lines of a trail of five logins and gives what verifying finds. */
async function spoiled(spoil: (lines: string[]) => string[]) {
  const file = await writtenTrail(5);
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    file,
    spoil(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
  const { problems } = await verifyTrail([file]);
  return problems.map(({ line, kind }) => [line, kind]);
}

/** The line's text with another session, and a hash that fits. */
function forged(text: string): string {
  const { seq, prev } = unseal(Buffer.from(text))!;
  return seal(lineOf(login(99), 0), { seq: seq - 1, hash: prev }).text.trimEnd();
}

test('a trail that nobody touched verifies, from line 1 to the one that the head names', async () => {
  const file = await writtenTrail(5);
  const { lines, first, last, problems, hasHead, torn } = await verifyTrail([file]);
  expect({ lines, problems, hasHead, torn }).toEqual({
    lines: 5,
    problems: [],
    hasHead: true,
    torn: undefined,
  });
  expect(first!.seq).toBe(1);
  expect(last).toEqual(await readHead(file));
});

test('a line that was edited is found, and no other', async () => {
  expect(await spoiled((lines) => lines.with(2, lines[2]!.replace('"session":3', '"session":4')))).toEqual([
    [3, 'changed'],
  ]);
});

test('a line that was edited and given a hash that fits is found by the one behind it', async () => {
  expect(await spoiled((lines) => lines.with(2, forged(lines[2]!)))).toEqual([[4, 'exchanged']]);
});

test('the first line with a hash that fits and another beginning is found', async () => {
  const text = seal(lineOf(login(1), 0), { seq: 0, hash: 'f'.repeat(64) }).text.trimEnd();
  expect((await spoiled((lines) => lines.with(0, text)))[0]).toEqual([1, 'exchanged']);
});

test('a line that was dropped is found where it is missing', async () => {
  expect(await spoiled((lines) => lines.toSpliced(2, 1))).toEqual([[3, 'dropped']]);
});

test('lines that were dropped from the beginning are found, though older files may be gone', async () => {
  expect(await spoiled((lines) => lines.slice(2))).toEqual([[1, 'dropped']]);
});

test('two lines that were swapped are found at the first of them', async () => {
  expect(await spoiled(([a, b, c, d, e]) => [a!, c!, b!, d!, e!])).toEqual([[2, 'moved']]);
});

test('a line that stands twice is found at the second place', async () => {
  expect(await spoiled(([a, b, c, d, e]) => [a!, b!, c!, b!, d!, e!])).toEqual([[4, 'moved']]);
});

test('a line that was cut in its middle is found', async () => {
  expect(await spoiled((lines) => lines.with(2, lines[2]!.slice(0, 150)))).toEqual([[3, 'cut']]);
});

test('a line that was put in is found', async () => {
  expect(await spoiled((lines) => lines.toSpliced(2, 0, '{"event":{"action":"login"}}'))).toEqual([
    [3, 'changed'],
  ]);
});

test('a line of another trail that was put in its place is found', async () => {
  const [, , other] = (await readFile(await writtenTrail(5), 'utf8')).split('\n');
  const found = await spoiled((lines) => lines.with(2, other!));
  expect(found[0]).toEqual([3, 'exchanged']);
});

test('lines that were cut off the end are found by the head file', async () => {
  const [[line, kind]] = (await spoiled((lines) => lines.slice(0, 3))) as [[number | undefined, string]];
  expect([line, kind]).toEqual([undefined, 'end']);
});

test('an end that was written anew, as long as before, is found by the head file', async () => {
  expect(await spoiled((lines) => lines.with(4, forged(lines[4]!)))).toEqual([[undefined, 'end']]);
});

test('without a head file a cut end can not be told, and verifying says that there is none', async () => {
  const file = await writtenTrail(3);
  await rm(`${file}.head`);
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, `${lines.slice(0, 2).join('\n')}\n`);
  expect(await verifyTrail([file])).toMatchObject({ lines: 2, problems: [], hasHead: false });
});

test('an end that was cut off together with the head is found by a hash that was noted elsewhere', async () => {
  const file = await writtenTrail(3);
  const noted = (await readHead(file))!.hash;
  expect((await verifyTrail([file], noted)).problems).toEqual([]);
  const lines = (await readFile(file, 'utf8')).split('\n');
  const { seq, hash } = unseal(Buffer.from(lines[1]!))!;
  await writeFile(file, `${lines.slice(0, 2).join('\n')}\n`);
  await writeHead(file, { seq, hash });
  expect((await verifyTrail([file])).problems).toEqual([]);
  expect((await verifyTrail([file], noted)).problems).toMatchObject([{ kind: 'expected' }]);
});

test('an incomplete last line is told apart: the chain holds up to the last whole one', async () => {
  const file = await writtenTrail(3);
  await appendFile(file, '{"@timestamp":"2026');
  const { lines, problems, torn } = await verifyTrail([file]);
  expect({ lines, problems, torn }).toEqual({ lines: 3, problems: [], torn: { file, bytes: 19 } });
});

test('a last line that the head names and that has lost its end is no crash', async () => {
  const file = await writtenTrail(3);
  const { length } = await readFile(file);
  await truncate(file, length - 1);
  expect((await verifyTrail([file])).problems).toMatchObject([{ kind: 'end' }]);
});

test('a line is verified by ten lines of anything: SHA-256 of the bytes before its hash', async () => {
  const file = await writtenTrail(3);
  let prev = '0'.repeat(64);
  for (const line of (await readFile(file, 'utf8')).trimEnd().split('\n')) {
    const [covered, rest] = line.split(',"hash":"') as [string, string];
    expect(covered).toMatch(new RegExp(`"prev":"${prev}"$`));
    prev = rest.slice(0, 64);
    expect(createHash('sha256').update(covered).digest('hex')).toBe(prev);
  }
});

test('a line holds ASCII alone, whatever a peer calls itself', async () => {
  const { text } = seal(lineOf({ ...login(1), user: 'd\u00fc\u202e\u009b31m\n\ud83d' }, 0), {
    seq: 0,
    hash: '0'.repeat(64),
  });
  expect(text).toMatch(/^[ -~]+\n$/);
  expect(JSON.parse(text)).toMatchObject({ user: { name: 'd\u00fc\u202e\u009b31m\n\ud83d' } });
});

test('a text that a peer sent is cut before it makes a line long', async () => {
  const { text } = seal(lineOf({ ...login(1), message: 'x'.repeat(100_000) }, 0), {
    seq: 0,
    hash: '0'.repeat(64),
  });
  expect(text.length).toBeLessThan(2048);
});

test('a file that can not be read is named', async () => {
  await expect(verifyTrail(['/nowhere/audit.jsonl'])).rejects.toThrow("/nowhere/audit.jsonl can't be read");
});

test('a very long line is no reason to hold it in memory, and is found', async () => {
  const file = await writtenTrail(2);
  const [a, b] = (await readFile(file, 'utf8')).split('\n') as [string, string];
  await writeFile(file, `${a}\n${'x'.repeat(1_000_000)}\n${b}\n`);
  const { lines, problems } = await verifyTrail([file]);
  expect([lines, problems.map(({ line, kind }) => [line, kind])]).toEqual([3, [[2, 'changed']]]);
  expect(await linesOf(await writtenTrail(1))).toHaveLength(1);
});
