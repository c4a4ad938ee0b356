import { Command } from '@commander-js/extra-typings';
import { COMMAND_LINE, ConfigError } from '../config/problem.ts';
import { loadStubConfig, stubConfigFrom } from '../config/stubConfig.ts';
import { createLog } from '../telemetry/log.ts';
import { Reloading } from '../run/reload/reloading.ts';
import { runStub } from '../run/runStub.ts';
import { warnOfConfig } from '../run/warnings.ts';
import { untilStopped } from './untilStopped.ts';

export function stubCommand() {
  return new Command('stub')
    .description('run the stub beside an initiator: plain iSCSI on loopback, TLS to the gateway')
    .option('-c, --config <file>', 'configuration, instead of the options below')
    .option('-g, --gateway <host:port...>', 'gateways, tried in order')
    .option('--cert <file>', "the initiator's certificate")
    .option('--key <file>', 'its private key')
    .option('--ca <file>', "the authority that signed the gateway's certificate")
    .option('-l, --listen <host:port>', 'where the initiator connects (default: 127.0.0.1:3260)')
    .option('--server-name <name>', "the name in the gateway's certificate, if it is not the host")
    .option(
      '--advertise <host:port>',
      'the address that discovery shows (default: the one the initiator dialled)',
    )
    .action(async ({ config: file, gateway, cert, key, ca, listen, serverName, advertise }, command) => {
      const flags = {
        ...(listen && { listen }),
        ...(gateway && { gateways: gateway }),
        ...(serverName && { serverName }),
        ...(advertise && { advertise }),
        ...((cert ?? key ?? ca) && {
          tls: { ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) },
        }),
      };
      if (file !== undefined && Object.keys(flags).length > 0) {
        command.error('error: --config stands alone: write the other options into the file');
      }
      if (file === undefined) requireFlags({ gateway, cert, key, ca });
      const reloading = new Reloading(() =>
        file === undefined ? stubConfigFrom(flags, process.cwd()) : loadStubConfig(file),
      );
      const { config, warnings } = reloading.read();
      const log = createLog(config.log.level);
      warnOfConfig(warnings, log);
      const stopped = untilStopped();
      const stub = await runStub(config, log);
      reloading.begin((read, causes) => stub.reload(read, causes));
      const signal = await stopped;
      log.info({ signal }, 'stopping');
      reloading.stop();
      await stub.stop();
    });
}

/** @throws ConfigError that names every option that is missing */
function requireFlags(flags: Record<keyof typeof REQUIRED, unknown>): void {
  const missing = Object.entries(REQUIRED).filter(
    ([name]) => flags[name as keyof typeof REQUIRED] === undefined,
  );
  if (missing.length === 0) return;
  throw new ConfigError(
    missing.map(([name, hint]) => ({
      file: COMMAND_LINE,
      line: 0,
      column: 0,
      path: `--${name}`,
      message: 'this option is missing',
      hint: `${hint}, or a file with everything: --config config/stub.yaml`,
    })),
  );
}

const REQUIRED = {
  gateway: 'give the address of the gateway, e.g. --gateway gw.example.org:3261',
  cert: "give the initiator's certificate, e.g. --cert certs/db1.crt",
  key: 'give its private key, e.g. --key certs/db1.key',
  ca: "give the certificate of the authority that signed the gateway's, e.g. --ca certs/ca.crt",
};
