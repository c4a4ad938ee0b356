import { Command, CommanderError } from '@commander-js/extra-typings';
import { version } from '../version.ts';
import { auditCommand } from './auditCommand.ts';
import { checkCommand } from './checkCommand.ts';
import { demoCommand } from './demo/demoCommand.ts';
import { ExitCode } from './terminal/exitCode.ts';
import { explainCommand } from './explain/explainCommand.ts';
import { gatewayCommand } from './gatewayCommand.ts';
import { killCommand } from './sessions/killCommand.ts';
import { pkiCommand } from './pki/pkiCommand.ts';
import { sessionsCommand } from './sessions/sessionsCommand.ts';
import { stubCommand } from './stubCommand.ts';
import { targetCommand } from './targetCommand.ts';
import { explainError } from './terminal/terminal.ts';
import { topCommand } from './top/topCommand.ts';

/**
 * Runs one command line.
 *
 * @returns the exit code
 */
export async function program(argv: readonly string[]): Promise<number> {
  const sangate = new Command('sangate')
    .description('a secure gateway for iSCSI')
    .version(version)
    .addCommand(gatewayCommand())
    .addCommand(stubCommand())
    .addCommand(targetCommand())
    .addCommand(checkCommand())
    .addCommand(explainCommand())
    .addCommand(sessionsCommand())
    .addCommand(killCommand())
    .addCommand(topCommand())
    .addCommand(auditCommand())
    .addCommand(demoCommand())
    .addCommand(pkiCommand());
  prepare(sangate);
  try {
    await sangate.parseAsync([...argv]);
    return Number(process.exitCode ?? ExitCode.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    return explainError(error);
  }
}

interface Preparable {
  exitOverride(): unknown;
  showHelpAfterError(text: string): unknown;
  readonly commands: readonly Preparable[];
}

/** For a command and all below it, which commander does not do: an error throws, and says where to read on. */
function prepare(command: Preparable): void {
  command.exitOverride();
  command.showHelpAfterError('(--help shows what there is)');
  for (const child of command.commands) prepare(child);
}
