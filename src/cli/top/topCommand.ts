import { setTimeout } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import pc from 'picocolors';
import { printableJson } from '../../telemetry/printable.ts';
import { ratesBetween, type Rates } from '../../status/rates.ts';
import type { Status } from '../../status/status.ts';
import { readStatus } from '../admin/adminClient.ts';
import { ADMIN_OPTIONS, adminPeer } from '../admin/adminOptions.ts';
import { terminal } from '../terminal/terminal.ts';
import { snapshotText } from './lines.ts';
import { showLive } from './live.ts';
import { FIRST_VIEW, SORT_KEYS, type View } from './view.ts';

export function topCommand() {
  return new Command('top')
    .description('who does how much at a running gateway, how fast, and who is refused: live, or once')
    .option(...ADMIN_OPTIONS.admin)
    .option(...ADMIN_OPTIONS.config)
    .option(...ADMIN_OPTIONS.cert)
    .option(...ADMIN_OPTIONS.key)
    .option(...ADMIN_OPTIONS.ca)
    .option(...ADMIN_OPTIONS.serverName)
    .option('--interval <seconds>', 'time between two readings, 0.5 to 3600', seconds, 2)
    .option('--luns', 'a line for each logical unit')
    .addOption(
      new Option('--sort <column>', 'what the lines are sorted by')
        .choices(SORT_KEYS)
        .default('IOPS' as const),
    )
    .option('--once', 'one reading over one interval, also at a terminal')
    .option('--json', 'the same for programs')
    .action(async ({ interval, luns, sort, once, json, ...flags }) => {
      const peer = await adminPeer(flags);
      const first = await readStatus(peer);
      const view: View = { ...FIRST_VIEW, sort, byLun: luns === true };
      if (once !== true && json !== true && terminal.isInteractive) {
        return showLive(first, () => readStatus(peer), interval * 1000, view);
      }
      await setTimeout(interval * 1000);
      const status = await readStatus(peer);
      const rates = ratesBetween(first, status);
      if (rates === undefined) throw new Error('the gateway was started anew in between — run this again');
      terminal.result(
        json === true
          ? printableJson(snapshot(status, rates))
          : snapshotText(
              { status, rates },
              view,
              terminal.width,
              terminal.isInteractive ? pc : pc.createColors(false),
            ),
      );
    });
}

/** What programs get: rates, and what there is now. The counters themselves are at `/status.json`. */
function snapshot(
  { schema, time, gateway, backends, refusals }: Status,
  { seconds, total, nexuses, luns, sessions }: Rates,
) {
  return {
    schema,
    time,
    seconds,
    gateway,
    backends,
    total,
    nexuses,
    luns,
    sessions: [...sessions].map(([id, rates]) => ({ id, ...rates })),
    refusals,
  };
}

function seconds(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0.5 && value <= 3600)) throw new InvalidArgumentError('an interval is 0.5 to 3600 seconds');
  return value;
}
