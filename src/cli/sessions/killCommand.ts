import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { killSession } from '../admin/adminClient.ts';
import { ADMIN_OPTIONS, adminPeer } from '../admin/adminOptions.ts';
import { ExitCode } from '../terminal/exitCode.ts';
import { printable } from '../../telemetry/printable.ts';
import { terminal } from '../terminal/terminal.ts';

export function killCommand() {
  return new Command('kill')
    .description('end sessions of a running gateway; an initiator may log in again')
    .argument('<id...>', 'numbers, as `sangate sessions` shows them', ids)
    .option(...ADMIN_OPTIONS.admin)
    .option(...ADMIN_OPTIONS.config)
    .option(...ADMIN_OPTIONS.cert)
    .option(...ADMIN_OPTIONS.key)
    .option(...ADMIN_OPTIONS.ca)
    .option(...ADMIN_OPTIONS.serverName)
    .action(async (ids, flags) => {
      const peer = await adminPeer(flags);
      for (const id of ids) {
        const session = await killSession(peer, id);
        if (session === undefined) {
          terminal.warning(`there is no session ${id}`);
          process.exitCode = ExitCode.failure;
        } else {
          const { initiator, target } = session;
          const whose = initiator === undefined ? '' : ` of ${initiator} on ${target}`;
          terminal.result(printable(`session ${id}${whose} ended`));
        }
      }
    });
}

/** Commander calls it with each argument and what it gave for those before. */
function ids(text: string, earlier: readonly number[] = []): readonly number[] {
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(id)) {
    throw new InvalidArgumentError('a session is a whole number from 1, as `sangate sessions` shows it');
  }
  return earlier.includes(id) ? earlier : [...earlier, id];
}
