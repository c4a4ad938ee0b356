import { execFileSync } from 'node:child_process';
import {
  lstat,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  watch,
  writeFile,
  appendFile,
  mkdir,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openAudit } from '../../../src/audit/auditTrail.ts';
import { seal } from '../../../src/audit/chain.ts';
import { lineOf } from '../../../src/audit/entry.ts';
import type { OpenFile } from '../../../src/audit/trailFile.ts';
import { verifyTrail } from '../../../src/audit/verify.ts';
import { linesOf, login, openTrail, writtenTrail } from '../../support/auditTrail.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

const MAKE_PIPE = 'mkfifo';

const problemsOf = async (...files: string[]) => (await verifyTrail(files)).problems;

/** A disk whose files take so many bytes in one write and then fail like this, for as long as `isFull`. */
class FullDisk {
  isFull = true;
  readonly #code: string;
  readonly #takes: number;

  constructor(code: string, takes: number) {
    this.#code = code;
    this.#takes = takes;
  }

  /** Done before the next write. */
  before: (() => Promise<void>) | undefined;
  /** How often it was written to. */
  writes = 0;

  readonly open = (async (file: string, flags: number, mode: number) => {
    const handle = await open(file, flags, mode);
    const write = handle.appendFile.bind(handle);
    handle.appendFile = async (bytes) => {
      this.writes++;
      await this.before?.();
      this.before = undefined;
      if (!this.isFull) return write(bytes);
      await write((bytes as Buffer).subarray(0, this.#takes));
      throw Object.assign(new Error(`${this.#code}: injected`), { code: this.#code });
    };
    return handle;
  }) as OpenFile;
}

test('the file is of mode 0600, and so is what stands beside it', async () => {
  const { file, trail } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  const modes = await Promise.all(
    [file, `${file}.lock`].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)),
  );
  await trail.close();
  expect([...modes, ((await stat(`${file}.head`)).mode & 0o777).toString(8)]).toEqual(['600', '600', '600']);
});

test('in a rush the lines of many turns of the event loop go out in one write, and none is missing', async () => {
  const disk = new FullDisk('ENOSPC', 0);
  disk.isFull = false;
  const { file, trail } = await openTrail({ openFile: disk.open });
  vi.spyOn(performance, 'now').mockReturnValue(performance.now()); // the last write was just now, however slow this machine is
  onTestFinished(() => void vi.restoreAllMocks());
  trail.write(login(1));
  await trail.rotateOrReopen();
  const before = disk.writes;
  for (let n = 2; n <= 5; n++) {
    trail.write(login(n));
    await new Promise(setImmediate);
  }
  await trail.rotateOrReopen();
  expect(disk.writes - before).toBe(1);
  await trail.close();
  expect(await verifyTrail([file])).toMatchObject({ lines: 5, problems: [] });
});

test('a file that others may read is closed to them', async () => {
  const file = join(await temporaryDirectory(), 'audit.jsonl');
  await writeFile(file, '', { mode: 0o664 });
  await writtenTrail(1, { file });
  expect(((await stat(file)).mode & 0o777).toString(8)).toBe('640');
});

test('a trail that is opened again goes on in its chain', async () => {
  const file = await writtenTrail(2);
  await writtenTrail(2, { file });
  const lines = await linesOf(file);
  expect(lines.map(({ sangate }) => [sangate.chain.seq, sangate.session])).toEqual([
    [1, 1],
    [2, 2],
    [3, 1],
    [4, 2],
  ]);
  expect(await problemsOf(file)).toEqual([]);
});

test('an incomplete last line is set aside, the chain says so, and nothing of it is lost', async () => {
  const file = await writtenTrail(2);
  await appendFile(file, '{"@timestamp":"2026-');
  const { trail, alarms } = await openTrail({ file });
  trail.write(login(3));
  await trail.close();
  const [, , aside, last] = await linesOf(file);
  expect([aside!.event.action, last!.sangate.session]).toEqual(['audit-tail-set-aside', 3]);
  const torn = aside!.sangate['torn'] as { file: string; bytes: number };
  expect(await readFile(join(dirname(file), torn.file), 'utf8')).toBe('{"@timestamp":"2026-');
  expect(alarms).toMatchObject([{ kind: 'damaged' }]);
  expect(await problemsOf(file)).toEqual([]);
});

test('lines that were cut off while nobody wrote raise the alarm, and stay to be found', async () => {
  const file = await writtenTrail(5);
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, `${lines.slice(0, 3).join('\n')}\n`);
  const { trail, alarms } = await openTrail({ file });
  trail.write(login(6));
  await trail.close();
  expect(alarms).toMatchObject([{ kind: 'damaged', message: expect.stringContaining('ends with line 3') }]);
  expect((await linesOf(file)).at(-2)!.event.action).toBe('audit-damaged');
  expect(await problemsOf(file)).toMatchObject([{ line: 4, kind: 'dropped' }]);
});

test('an end that was made anew while nobody wrote raises the alarm, and stays to be found', async () => {
  const file = await writtenTrail(2);
  const head = await readFile(`${file}.head`);
  await rm(`${file}.head`);
  await rm(file);
  await writtenTrail(3, { file });
  await writeFile(`${file}.head`, head);
  const { trail, alarms } = await openTrail({ file });
  await trail.close();
  expect(alarms).toMatchObject([
    { kind: 'damaged', message: expect.stringContaining('line 2 is not the one') },
  ]);
  expect((await problemsOf(file)).length).toBeGreaterThan(0);
});

test('a head that names the last line of the file before is no reason for alarm', async () => {
  const { file, trail } = await openTrail({ maxBytes: 1500 });
  for (let n = 1; n <= 5; n++) trail.write(login(n));
  await trail.rotateOrReopen();
  const head = await readFile(`${file}.head`);
  await trail.close();
  await writeFile(`${file}.head`, head); // as after a kill
  const { alarms } = await openTrail({ file });
  expect(alarms).toEqual([]);
});

test('a last line that was edited while nobody wrote raises the alarm', async () => {
  const file = await writtenTrail(2);
  await writeFile(file, (await readFile(file, 'utf8')).replace('"session":2', '"session":7'));
  const { trail, alarms } = await openTrail({ file });
  trail.write(login(3));
  await trail.close();
  expect(alarms).toMatchObject([{ kind: 'damaged' }]);
  expect(await problemsOf(file)).toMatchObject([{ line: 2, kind: 'changed' }]);
});

test('a second process is refused, and told which one has the file', async () => {
  const { file } = await openTrail();
  await expect(openAudit({ file, onAlarm: () => {} })).rejects.toThrow(
    `is written by process ${process.pid} already`,
  );
});

test('whoever is patient gets the trail when the other is done', async () => {
  const { file, trail } = await openTrail();
  const second = openTrail({ file, patienceMs: 10_000 });
  await trail.close();
  await expect(second).resolves.toBeDefined();
});

test('the lock of a process that is gone, whose number another has now, is taken over', async () => {
  const file = join(await temporaryDirectory(), 'audit.jsonl');
  await writeFile(`${file}.lock`, '1 4d3f8a52-of-another-boot:17\n'); // init, which is always there
  await expect(openTrail({ file })).resolves.toBeDefined();
});

test('the lock of a running process holds, also if it does not say when that began', async () => {
  const file = join(await temporaryDirectory(), 'audit.jsonl');
  await writeFile(`${file}.lock`, '1\n');
  await expect(openAudit({ file, onAlarm: () => {} })).rejects.toThrow('is written by process 1 already');
});

test('what is no regular file is refused', async () => {
  const directory = await temporaryDirectory();
  await expect(openAudit({ file: '/dev/null', onAlarm: () => {} })).rejects.toThrow('is no regular file');
  expect(await readdir(directory)).toEqual([]);
});

test('a file that is full is rotated, and the new one names it and its last line', async () => {
  const { file, trail } = await openTrail({ maxBytes: 2000 });
  for (let n = 1; n <= 10; n++) trail.write(login(n));
  await trail.close();
  const { files, problems } = await verifyTrail([file]);
  expect(problems).toEqual([]);
  expect(files.length).toBeGreaterThan(2);
  const [before, newest] = files.slice(-2).map(({ file }) => file) as [string, string];
  expect(newest).toBe(file);
  const [first] = await linesOf(newest);
  const last = (await linesOf(before)).at(-1)!.sangate.chain;
  expect(first!.event.action).toBe('audit-file-begun');
  expect(first!.sangate['previous']).toEqual({ file: basename(before), seq: last.seq, hash: last.hash });
  expect((await stat(before)).size).toBeLessThanOrEqual(2000);
});

test('rotating under load loses no line', async () => {
  const { file, trail } = await openTrail({ maxBytes: 20_000, keep: 1000 });
  for (let n = 1; n <= 3000; n++) {
    trail.write(login(n));
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  await trail.close();
  const { files, problems } = await verifyTrail([file]);
  const sessions = (await linesOf(...files.map(({ file }) => file))).flatMap(
    ({ sangate }) => sangate.session ?? [],
  );
  expect(problems).toEqual([]);
  expect(sessions).toEqual(Array.from({ length: 3000 }, (_, n) => n + 1));
});

test('of the rotated files the newest stay, and the chain names those that are gone', async () => {
  const { file, trail } = await openTrail({ maxBytes: 1500, keep: 2 });
  for (let n = 1; n <= 30; n++) trail.write(login(n));
  await trail.close();
  const names = (await readdir(dirname(file))).filter((name) => /\.\d{12}$/.test(name));
  expect(names).toHaveLength(2);
  const [first] = await linesOf(file);
  expect(first!.sangate['removed']).toHaveLength(1);
  expect(await problemsOf(file)).toEqual([]);
});

test('a file that logrotate has moved away is gone on with in a new one', async () => {
  const { file, trail, alarms } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  await rename(file, `${file}.1`);
  trail.write(login(2));
  await trail.rotateOrReopen();
  trail.write(login(3));
  await trail.close();
  const { files, lines, problems } = await verifyTrail([file]);
  expect(files.map(({ file }) => basename(file))).toEqual(['audit.jsonl.1', 'audit.jsonl']);
  expect({ lines, problems }).toEqual({ lines: 4, problems: [] });
  expect(alarms).toMatchObject([{ kind: 'moved' }]);
});

test('a file that was moved away while nobody wrote is gone on with from its head', async () => {
  const file = await writtenTrail(2);
  await rename(file, `${file}.1`);
  await writtenTrail(1, { file });
  expect(await verifyTrail([file])).toMatchObject({ lines: 4, problems: [] });
});

test('lines that somebody cuts off while the trail is written raise the alarm, and stay to be found', async () => {
  const { file, trail, alarm } = await openTrail();
  for (let n = 1; n <= 5; n++) trail.write(login(n));
  await trail.rotateOrReopen();
  const { length } = (await readFile(file, 'utf8')).split('\n').slice(0, 3).join('\n');
  await truncate(file, length + 1);
  await trail.rotateOrReopen();
  expect((await alarm('damaged')).message).toContain('ends with line 3, but line 5 was written');
  await trail.close();
  expect(await problemsOf(file)).toMatchObject([{ line: 4, kind: 'dropped' }]);
});

test('what somebody writes into the file raises the alarm, and stays to be found', async () => {
  const { file, trail, alarm } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  await appendFile(file, '{"event":{"action":"login"}}\n');
  await trail.rotateOrReopen();
  expect((await alarm('damaged')).message).toContain('the last line does not match its own hash');
  await trail.close();
  expect(await problemsOf(file)).toMatchObject([{ line: 2, kind: 'changed' }]);
});

/** What somebody who knows the chain would write behind its last line. */
async function forge(file: string): Promise<void> {
  const { seq, hash } = (await linesOf(file)).at(-1)!.sangate.chain;
  await appendFile(file, seal(lineOf(login(99), Date.now()), { seq, hash }).text);
}

test('a line that fits into the chain, but that this process has not written, raises the alarm and stays to be found', async () => {
  const { file, trail, alarm } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  await forge(file);
  await trail.rotateOrReopen();
  expect((await alarm('damaged')).message).toContain('somebody else has written to it: with line 1');
  expect(trail.state.damaged).toBe(1);
  await trail.close();
  expect((await linesOf(file)).map(({ event }) => event.action)).toEqual(['login', 'login', 'audit-damaged']);
  expect(await problemsOf(file)).toMatchObject([{ line: 3, kind: 'moved' }]);
});

test('a line that fits, with one of ours behind it before anybody looked, raises the alarm as well', async () => {
  const disk = new FullDisk('ENOSPC', 0);
  disk.isFull = false;
  const { file, trail, alarms } = await openTrail({ openFile: disk.open });
  trail.write(login(1));
  await trail.rotateOrReopen();
  disk.before = () => forge(file);
  trail.write(login(2));
  await trail.rotateOrReopen();
  await trail.close();
  expect(alarms).toMatchObject([{ kind: 'damaged' }]);
  expect((await problemsOf(file)).length).toBeGreaterThan(0);
});

test('lines that fit in a file that was put in the place of ours raise the alarm', async () => {
  const { file, trail, alarms } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  const mine = await readFile(file);
  await rename(file, `${file}.away`);
  await writeFile(file, mine);
  await forge(file);
  await trail.rotateOrReopen();
  await trail.close();
  expect(alarms).toMatchObject([{ kind: 'damaged', message: expect.stringContaining('somebody else') }]);
});

test('a file that somebody empties while it is written raises the alarm, and stays to be found', async () => {
  const { file, trail, alarms } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  await truncate(file);
  await trail.rotateOrReopen();
  await trail.close();
  expect(alarms).toMatchObject([{ kind: 'damaged', message: expect.stringContaining('all its lines') }]);
  expect(await problemsOf(file)).toMatchObject([{ line: 1, kind: 'dropped' }]);
});

test('a trail that was damaged verifies again once its files are set aside, and the chain still leads to them', async () => {
  const { file, trail, alarm } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  await forge(file);
  await trail.rotateOrReopen();
  await alarm('damaged');
  const aside = join(await temporaryDirectory(), basename(file));
  await rename(file, aside);
  await trail.rotateOrReopen();
  trail.write(login(2));
  await trail.close();
  expect(await verifyTrail([file])).toMatchObject({
    lines: 2,
    first: { seq: 3 },
    problems: [],
    hasHead: true,
  });
  expect((await verifyTrail([aside, file])).problems).toMatchObject([
    { file: aside, line: 3, kind: 'moved' },
    {},
  ]);
});

test('a link in the place of the trail is not followed, and what it leads to stays as it is', async () => {
  const directory = await temporaryDirectory();
  const victim = join(directory, 'victim');
  await writeFile(victim, 'precious', { mode: 0o666 });
  const { mode } = await stat(victim);
  const file = join(directory, 'audit.jsonl');
  await symlink(victim, file);
  await expect(openAudit({ file, onAlarm: () => {} })).rejects.toThrow('audit.jsonl is a symbolic link');
  expect([await readFile(victim, 'utf8'), (await stat(victim)).mode]).toEqual(['precious', mode]);
  expect(await readdir(directory)).toEqual(['audit.jsonl', 'victim']);
});

test('a link that is laid in the place of the trail while it is written is an alarm, and no line is lost', async () => {
  const { file, trail, alarms } = await openTrail();
  trail.write(login(1));
  await trail.rotateOrReopen();
  await rename(file, `${file}.1`);
  await symlink(`${file}.1`, file);
  trail.write(login(2));
  await trail.rotateOrReopen();
  expect(alarms).toMatchObject([{ kind: 'failing', message: expect.stringContaining('is a symbolic link') }]);
  expect(trail.state.healthy).toBe(false);
  await rm(file);
  await trail.rotateOrReopen();
  await trail.close();
  expect(await verifyTrail([file])).toMatchObject({ lines: 3, problems: [] });
});

test.each(['head.tmp', `lock.${process.pid}`])(
  'a link in the place of %s lets nobody have another file overwritten',
  async (name) => {
    const directory = await temporaryDirectory();
    const victim = join(directory, 'victim');
    await writeFile(victim, 'precious');
    await symlink(victim, join(directory, `audit.jsonl.${name}`));
    const file = await writtenTrail(1, { file: join(directory, 'audit.jsonl') });
    expect(await readFile(victim, 'utf8')).toBe('precious');
    expect(await verifyTrail([file])).toMatchObject({ lines: 1, problems: [], hasHead: true });
    expect((await lstat(`${file}.head`)).isFile()).toBe(true);
  },
);

test.each(['head', '1'])(
  'a pipe in the place of %s does not keep the trail from being opened',
  async (name) => {
    const file = join(await temporaryDirectory(), 'audit.jsonl');
    execFileSync(MAKE_PIPE, [`${file}.${name}`]);
    const { trail } = await openTrail({ file });
    trail.write(login(1));
    await trail.close();
    expect(trail.state).toMatchObject({ healthy: true, written: 1 });
  },
);

test('an alarm names the trail, and none of the files that are only there for a moment', async () => {
  const file = join(await temporaryDirectory(), 'later', 'audit.jsonl');
  const { alarms } = await openTrail({ file });
  expect(alarms.map(({ message }) => message)).toEqual([
    `${file} can't be written: ENOENT: no such file or directory; it is tried again each second`,
  ]);
});

test.each([
  ['is full', 'ENOSPC', 100],
  ['is full to the last byte', 'ENOSPC', 0],
  ['fails', 'EIO', 350],
])(
  'a disk that %s throws nothing, raises the alarm once, and no line is missing afterwards',
  async (_, code, takes) => {
    const disk = new FullDisk(code, takes);
    const { file, trail, alarms } = await openTrail({ openFile: disk.open });
    trail.write(login(1));
    await trail.rotateOrReopen();
    trail.write(login(2));
    await trail.rotateOrReopen();
    expect(alarms).toMatchObject([{ kind: 'failing', message: expect.stringContaining(code) }]);
    expect(trail.state).toMatchObject({ healthy: false, written: 0, waiting: 2, lost: 0 });
    expect(await readFile(file, 'utf8')).toBe('');
    disk.isFull = false;
    await trail.rotateOrReopen();
    expect(alarms[1]).toMatchObject({ kind: 'recovered' });
    expect(trail.state).toMatchObject({ healthy: true, written: 2, waiting: 0, lost: 0 });
    await trail.close();
    expect(await verifyTrail([file])).toMatchObject({ lines: 2, problems: [] });
  },
);

test('what does not fit in memory is counted, and the chain says so at its place', async () => {
  const disk = new FullDisk('ENOSPC', 0);
  const { file, trail, alarms } = await openTrail({ openFile: disk.open });
  for (let n = 1; n <= 8192 + 50; n++) trail.write(login(n));
  await trail.rotateOrReopen();
  expect(trail.state).toMatchObject({ healthy: false, lost: 50 });
  expect(alarms.map(({ kind }) => kind)).toEqual(['lost', 'failing']);
  disk.isFull = false;
  await trail.rotateOrReopen();
  trail.write(login(9000));
  await trail.close();
  const lines = await linesOf(file);
  expect(lines).toHaveLength(8192 + 2);
  expect(lines[8192]).toMatchObject({
    event: { action: 'audit-lines-lost' },
    sangate: { lost: { lines: 50 } },
  });
  expect(await problemsOf(file)).toEqual([]);
});

test('a new file begins by saying so, whatever else there is to say', async () => {
  const disk = new FullDisk('ENOSPC', 0);
  disk.isFull = false;
  const { file, trail } = await openTrail({ openFile: disk.open });
  trail.write(login(1));
  await trail.rotateOrReopen();
  disk.isFull = true;
  await appendFile(file, 'what somebody else wrote\n');
  await trail.rotateOrReopen();
  await rename(file, `${file}.1`);
  await trail.rotateOrReopen();
  disk.isFull = false;
  await trail.rotateOrReopen();
  await trail.close();
  const actions = (await linesOf(file)).map(({ event }) => event.action);
  expect(actions).toEqual(['audit-file-begun', 'audit-damaged']);
});

test('a folder that is missing is an alarm, and once it is there nothing is missing', async () => {
  const file = join(await temporaryDirectory(), 'later', 'audit.jsonl');
  const { trail, alarms } = await openTrail({ file });
  trail.write(login(1));
  expect(alarms).toMatchObject([{ kind: 'failing', message: expect.stringContaining('ENOENT') }]);
  await mkdir(dirname(file));
  await trail.rotateOrReopen();
  expect(trail.state).toMatchObject({ healthy: true, written: 1 });
  expect(await linesOf(file)).toHaveLength(1);
});

test('a folder that is moved away under the trail loses nothing that was written', async () => {
  const folder = join(await temporaryDirectory(), 'here');
  await mkdir(folder);
  const { trail } = await openTrail({ file: join(folder, 'audit.jsonl') });
  trail.write(login(1));
  await trail.rotateOrReopen();
  await rename(folder, `${folder}.moved`);
  trail.write(login(2));
  await trail.rotateOrReopen();
  expect(trail.state.healthy).toBe(false);
  await rename(`${folder}.moved`, folder);
  await trail.rotateOrReopen();
  await trail.close();
  expect(await verifyTrail([join(folder, 'audit.jsonl')])).toMatchObject({ lines: 2, problems: [] });
});

test('what can not be written before the end is told, and closing ends', async () => {
  const disk = new FullDisk('ENOSPC', 0);
  const { trail, alarms } = await openTrail({ openFile: disk.open });
  trail.write(login(1));
  await trail.close();
  expect(alarms.map(({ kind }) => kind)).toEqual(['failing', 'lost']);
  expect(trail.state.lost).toBe(1);
});

test('what comes after the end is counted and throws nothing', async () => {
  const { trail } = await openTrail();
  await trail.close();
  trail.write(login(1));
  expect(trail.state.lost).toBe(1);
});

test('a rotation that is impossible is an alarm, and the file goes on', async () => {
  const { file, trail, alarm } = await openTrail({ maxBytes: 1000 });
  trail.write(login(1));
  await trail.rotateOrReopen();
  await mkdir(`${file}.000000000002`);
  await mkdir(`${file}.000000000001`);
  for (let n = 2; n <= 8; n++) trail.write(login(n));
  await trail.rotateOrReopen();
  expect((await alarm('failing')).message).toContain("can't be rotated");
  await trail.close();
  expect(await linesOf(file)).toHaveLength(8);
});

test('the head follows without anybody asking', async () => {
  const { file, trail } = await openTrail();
  const changes = watch(dirname(file));
  trail.write(login(1));
  for await (const { filename } of changes) if (filename === 'audit.jsonl.head') break;
  expect(await readFile(`${file}.head`, 'utf8')).toMatch(/^\{"seq":1,"hash":"[0-9a-f]{64}"\}\n$/);
});
