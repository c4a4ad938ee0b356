import { Command } from '@commander-js/extra-typings';
import { loadGatewayConfig } from '../config/gatewayConfig.ts';
import { formatProblem } from '../config/problem.ts';
import { loadStubConfig } from '../config/stubConfig.ts';
import { loadGatewayCredentials, loadStubCredentials } from '../tls/credentials.ts';
import { terminal } from './terminal.ts';

export function checkCommand() {
  return new Command('check')
    .description('check a configuration, the secrets and the certificates it names, and start nothing')
    .argument('<file>', 'configuration of a gateway, or of a stub with --stub')
    .option('--stub', "it is a stub's")
    .action(async (file, { stub }) => {
      const { warnings, summary } = stub === true ? await checkStub(file) : await checkGateway(file);
      for (const warning of warnings) terminal.warning(warning);
      terminal.result(`${file}: ok, ${summary}`);
    });
}

async function checkGateway(file: string) {
  const { config, warnings } = loadGatewayConfig(file);
  const { listen, backends, initiators, admin } = config;
  const listeners = [...listen, ...(admin ? [admin] : [])];
  const files = listeners.flatMap(({ tls }) => tls ?? []);
  const credentials = await Promise.all(files.map((tls) => loadGatewayCredentials(tls)));
  return {
    warnings: [...warnings.map(formatProblem), ...credentials.flatMap((c) => c.warnings)],
    summary: `${listen.length} listener(s), ${backends.length} backend(s), ${initiators.length} initiator(s)`,
  };
}

async function checkStub(file: string) {
  const { config, warnings } = loadStubConfig(file);
  const { tls, admin } = config;
  const credentials = [
    await loadStubCredentials(tls),
    ...(admin?.tls ? [await loadGatewayCredentials(admin.tls)] : []),
  ];
  return {
    warnings: [...warnings.map(formatProblem), ...credentials.flatMap((c) => c.warnings)],
    summary: `${config.gateways.length} gateway(s)`,
  };
}
