import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { loadGatewayConfig } from '../config/gatewayConfig.ts';
import { formatProblem } from '../config/problem.ts';
import { loadStubConfig } from '../config/stubConfig.ts';
import { loadGatewayCredentials, loadStubCredentials } from '../tls/credentials.ts';
import { ExitCode } from './terminal/exitCode.ts';
import { terminal } from './terminal/terminal.ts';

export function checkCommand() {
  return new Command('check')
    .description('check a configuration, the secrets and the certificates it names, and start nothing')
    .argument('<file>', 'configuration of a gateway, or of a stub with --stub')
    .option('--stub', "it is a stub's")
    .action(async (file, { stub }) => {
      const { warnings, shutOut, summary } = stub === true ? await checkStub(file) : await checkGateway(file);
      for (const warning of warnings) terminal.warning(warning);
      for (const problem of shutOut) terminal.error(problem);
      if (shutOut.length > 0) process.exitCode = ExitCode.configuration;
      else terminal.result(`${file}: ok, ${summary}`);
    });
}

interface Checked {
  readonly warnings: readonly string[];
  /** With these it would start, and let in nobody of an authority. */
  readonly shutOut: readonly string[];
  readonly summary: string;
}

async function checkGateway(file: string): Promise<Checked> {
  const { config, warnings } = loadGatewayConfig(file);
  const { listen, backends, initiators, admin, audit } = config;
  const listeners = [...listen, ...(admin ? [admin] : [])];
  const files = listeners.flatMap(({ tls }) => tls ?? []);
  const credentials = await Promise.all(files.map((tls) => loadGatewayCredentials(tls)));
  return {
    warnings: [
      ...warnings.map(formatProblem),
      ...credentials.flatMap((c) => c.warnings),
      ...(audit ? await auditWarnings(audit.file) : []),
    ],
    shutOut: credentials.flatMap((c) => c.shutOut),
    summary: `${listen.length} listener(s), ${backends.length} backend(s), ${initiators.length} initiator(s)`,
  };
}

/** No more than warnings: the service manager may make the folder when the gateway starts, and without a trail it starts as well. */
async function auditWarnings(file: string): Promise<string[]> {
  const folder = dirname(file);
  try {
    if (!(await stat(folder)).isDirectory()) return [`audit: ${folder} is no folder`];
    await access(folder, constants.W_OK | constants.X_OK);
    await access(file, constants.R_OK | constants.W_OK);
    return [];
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && path === file) return [];
    return code === 'ENOENT'
      ? [`audit: the folder ${folder} does not exist: make it, or let the service manager do so`]
      : [`audit: this user may not write ${path} (${code}): change its owner or its mode`];
  }
}

async function checkStub(file: string): Promise<Checked> {
  const { config, warnings } = loadStubConfig(file);
  const { tls, admin } = config;
  const own = await loadStubCredentials(tls);
  const adminTls = admin?.tls && (await loadGatewayCredentials(admin.tls));
  return {
    warnings: [...warnings.map(formatProblem), ...own.warnings, ...(adminTls?.warnings ?? [])],
    shutOut: adminTls?.shutOut ?? [],
    summary: `${config.gateways.length} gateway(s)`,
  };
}
