import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const log = pathToFileURL(path.resolve('dist/telemetry/log.js')).href;

/** Runs this with a log, in a process of its own. @returns the messages that it left on standard error */
function messagesOf(script: string): string[] {
  const code = `import { createLog } from '${log}'; const log = createLog('info'); ${script}`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
}

test.each([
  ['comes to its end', ''],
  ['is told to exit', 'process.exit(1);'],
  ['fails', "throw new Error('unforeseen');"],
])('a program that %s leaves its last lines in the log', (_, end) => {
  expect(messagesOf(`log.info('first'); log.info('last'); ${end}`)).toEqual(['first', 'last']);
});
