import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { verifyTrail, type Verification } from '../audit/verify.ts';
import { ExitCode } from './terminal/exitCode.ts';
import { terminal } from './terminal/terminal.ts';

export function auditCommand() {
  return new Command('audit').description('the audit trail').addCommand(verifyCommand());
}

function verifyCommand() {
  return new Command('verify')
    .description('find the first line of a trail that was changed, dropped, moved or cut')
    .argument('<file...>', 'the trail, with its rotated files beside it; or several files, in any order')
    .option('--expect <hash>', 'a hash that was noted elsewhere and must be in the trail', hash)
    .option('--json', 'for programs')
    .action(async (files, { expect, json }) => {
      const found = await verifyTrail(files, expect);
      if (json === true) terminal.result(JSON.stringify({ intact: isIntact(found), ...found }, null, 2));
      else report(found);
      if (!isIntact(found)) process.exitCode = ExitCode.failure;
    });
}

function isIntact({ lines, problems }: Verification): boolean {
  return lines > 0 && problems.length === 0;
}

function report(found: Verification): void {
  const { files, lines, first, last, problems, torn, hasHead } = found;
  for (const { file, line, message } of problems) {
    terminal.failed(`${file}${line === undefined ? '' : `:${line}`}: ${message}`);
  }
  if (lines === 0) terminal.failed('there is no line');
  if (isIntact(found)) {
    terminal.passed(
      `${lines} lines in ${files.length} file(s) are intact: number ${first!.seq} to ${last!.seq}, the last hash is ${last!.hash}`,
    );
  }
  if (first !== undefined && first.seq > 1) {
    terminal.note(`The lines before number ${first.seq} are in older files, which were not given.`);
  }
  if (torn !== undefined) {
    terminal.warning(
      `${torn.file}: the last line is incomplete, as after a crash or while it is being written: ${torn.bytes} bytes`,
    );
  }
  if (!hasHead) {
    terminal.warning('there is no head file beside it: lines that were cut off the end would not show');
  }
}

function hash(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('a hash is 64 digits of lower-case hex, as `hash` in a line');
}
