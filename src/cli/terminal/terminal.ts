import pc from 'picocolors';
import { COMMAND_LINE, ConfigError, ValueError } from '../../config/problem.ts';
import { PkiError } from '../../pki/pkiError.ts';
import { credentialsErrors } from '../../tls/credentialsError.ts';
import { describeListenError } from '../../transport/listenError.ts';
import { ExitCode } from './exitCode.ts';

/** All that commands say to a person. Results go to standard output, everything else to standard error. */
export const terminal = {
  result(text: string): void {
    process.stdout.write(`${text}\n`);
  },

  note(text: string): void {
    process.stderr.write(`${text}\n`);
  },

  warning(text: string): void {
    process.stderr.write(`${pc.yellow('warning:')} ${text}\n`);
  },

  error(text: string): void {
    process.stderr.write(`${pc.red('error:')} ${text}\n`);
  },

  /** A step that held. */
  passed(text: string): void {
    process.stdout.write(`${pc.green('✓')} ${text}\n`);
  },

  /** A step that did not hold. */
  failed(text: string): void {
    process.stdout.write(`${pc.red('✗')} ${text}\n`);
  },

  heading(text: string): void {
    process.stdout.write(`\n${pc.bold(text)}\n`);
  },

  /** Columns of standard output; what goes to a file or another program has no end to its lines. */
  get width(): number {
    return process.stdout.isTTY ? process.stdout.columns : Infinity;
  },

  /** There is somebody who sees what is drawn, and whose keys are heard. */
  get isInteractive(): boolean {
    return process.stdin.isTTY && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  },

  /** One line that is rewritten while something goes on; nothing where the output is no terminal. */
  progress(text: string): void {
    if (process.stdout.isTTY) process.stdout.write(`\r${text}\u001b[K`);
  },

  progressDone(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  },
};

/**
 * Says what went wrong, and tells which exit code it is.
 *
 * @param error whatever a command threw
 */
export function explainError(error: unknown): number {
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    const isUsage = error.problems.every(({ file }) => file === COMMAND_LINE);
    return isUsage ? ExitCode.usage : ExitCode.configuration;
  }
  if (error instanceof ValueError) {
    terminal.error(`${error.message} — ${error.hint}`);
    return ExitCode.usage;
  }
  const unusable = credentialsErrors(error);
  if (unusable !== undefined) {
    for (const { message } of unusable) terminal.error(message);
    return ExitCode.configuration;
  }
  const message = error instanceof Error ? (describeListenError(error) ?? error.message) : String(error);
  terminal.error(message);
  if (!(error instanceof PkiError) && process.env['SANGATE_TRACE'] && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return ExitCode.failure;
}
