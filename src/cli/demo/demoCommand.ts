import { Command } from '@commander-js/extra-typings';
import { ISCSI_PORT } from '../../iscsi/targetAddress.ts';
import { createLog, type Logger } from '../../telemetry/log.ts';
import { ExitCode } from '../terminal/exitCode.ts';
import { terminal } from '../terminal/terminal.ts';
import { untilStopped } from '../untilStopped.ts';
import { printHints } from './demoHints.ts';
import { prove } from './demoProof.ts';
import { setDemoStage, type DemoStage } from './demoStage.ts';

export function demoCommand() {
  return new Command('demo')
    .description('start a disk, a gateway and a stub on this machine, and prove that they work')
    .option('--once', 'end after the proof; exit code 0 only if all of it held')
    .action(async ({ once }) => {
      terminal.note('minting certificates, starting disk, gateway and stub …');
      const log = createLog('silent');
      const stage = await setStage(once === true ? 0 : ISCSI_PORT, log);
      try {
        const holds = await prove(stage);
        if (!holds) process.exitCode = ExitCode.failure;
        terminal.result(holds ? '\nAll of it held.' : '\nSomething did not hold; the lines with ✗ say what.');
        if (once === true) return;
        printHints(stage);
        log.level = 'info';
        await untilStopped();
      } finally {
        await stage.close();
      }
    });
}

/** The well-known port if it is free, else any. */
async function setStage(stubPort: number, log: Logger): Promise<DemoStage> {
  try {
    return await setDemoStage(stubPort, log);
  } catch (error) {
    if (stubPort === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return setDemoStage(0, log);
  }
}
