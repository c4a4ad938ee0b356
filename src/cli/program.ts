import { Command, CommanderError } from '@commander-js/extra-typings';
import { checkCommand } from './checkCommand.ts';
import { demoCommand } from './demoCommand.ts';
import { ExitCode } from './exitCode.ts';
import { gatewayCommand } from './gatewayCommand.ts';
import { pkiCommand } from './pkiCommand.ts';
import { stubCommand } from './stubCommand.ts';
import { targetCommand } from './targetCommand.ts';
import { explainError } from './terminal.ts';
import { version } from './version.ts';

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
    .addCommand(demoCommand())
    .addCommand(pkiCommand());
  throwInsteadOfExit(sangate);
  try {
    await sangate.parseAsync([...argv]);
    return Number(process.exitCode ?? ExitCode.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    return explainError(error);
  }
}

interface ExitOverridable {
  exitOverride(): unknown;
  readonly commands: readonly ExitOverridable[];
}

function throwInsteadOfExit(command: ExitOverridable): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}
