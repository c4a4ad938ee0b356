import { Command } from '@commander-js/extra-typings';
import { loadGatewayConfig } from '../config/gatewayConfig.ts';
import { createLog } from '../telemetry/log.ts';
import { Reloading } from '../run/reload/reloading.ts';
import { runGateway } from '../run/runGateway.ts';
import { warnOfConfig } from '../run/warnings.ts';
import { untilStopped } from './untilStopped.ts';

export function gatewayCommand() {
  return new Command('gateway')
    .description('run the gateway in front of the arrays')
    .requiredOption('-c, --config <file>', 'configuration, e.g. config/gateway.yaml')
    .action(async ({ config: file }) => {
      const reloading = new Reloading(() => loadGatewayConfig(file));
      const { config, warnings } = reloading.read();
      const log = createLog(config.log.level);
      warnOfConfig(warnings, log);
      const stopped = untilStopped();
      const gateway = await runGateway(config, log);
      reloading.begin((read, causes) => gateway.reload(read, causes));
      const signal = await stopped;
      log.info({ signal }, 'stopping');
      reloading.stop();
      await gateway.drain();
    });
}
