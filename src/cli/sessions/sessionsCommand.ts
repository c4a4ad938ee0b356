import { Command } from '@commander-js/extra-typings';
import { listSessions } from '../admin/adminClient.ts';
import { ADMIN_OPTIONS, adminPeer } from '../admin/adminOptions.ts';
import { printableJson } from '../../telemetry/printable.ts';
import { terminal } from '../terminal/terminal.ts';
import { sessionsText } from './sessionsText.ts';

export function sessionsCommand() {
  return new Command('sessions')
    .description('who is on what since when, at a running gateway')
    .option(...ADMIN_OPTIONS.admin)
    .option(...ADMIN_OPTIONS.config)
    .option(...ADMIN_OPTIONS.cert)
    .option(...ADMIN_OPTIONS.key)
    .option(...ADMIN_OPTIONS.ca)
    .option(...ADMIN_OPTIONS.serverName)
    .option('--json', 'for programs')
    .addHelpText('after', '\nDENIED counts what a rule in shadow would deny, and lets pass, as well.')
    .action(async ({ json, ...flags }) => {
      const sessions = await listSessions(await adminPeer(flags));
      terminal.result(json === true ? printableJson(sessions) : sessionsText(sessions, terminal.width));
    });
}
