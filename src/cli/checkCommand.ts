import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { loadGatewayConfig } from '../config/gatewayConfig.ts';
import type { NamedFile } from '../config/findings.ts';
import { byPlace, formatLocation, formatProblem } from '../config/problem.ts';
import { loadStubConfig } from '../config/stubConfig.ts';
import {
  loadGatewayCredentials,
  loadStubCredentials,
  type GatewayCredentials,
  type StubCredentials,
} from '../tls/credentials.ts';
import { credentialsErrors } from '../tls/credentialsError.ts';
import { ExitCode } from './terminal/exitCode.ts';
import { terminal } from './terminal/terminal.ts';

export function checkCommand() {
  return new Command('check')
    .description('check a configuration, the secrets and the certificates it names, and start nothing')
    .argument('<file>', 'configuration of a gateway, or of a stub with --stub')
    .option('--stub', "it is a stub's")
    .action(async (file, { stub }) => {
      const checked = stub === true ? await checkStub(file) : await checkGateway(file);
      const { warnings, mistakes, shutOut, summary } = checked;
      for (const warning of warnings) terminal.warning(warning);
      for (const mistake of mistakes) terminal.note(mistake);
      for (const problem of shutOut) terminal.error(problem);
      if (mistakes.length + shutOut.length > 0) process.exitCode = ExitCode.configuration;
      else terminal.result(`${file}: ok, ${summary}`);
    });
}

interface Checked {
  readonly warnings: readonly string[];
  /** With these it would not start. */
  readonly mistakes: readonly string[];
  /** With these it would start, and let in nobody of an authority. */
  readonly shutOut: readonly string[];
  readonly summary: string;
}

async function checkGateway(file: string): Promise<Checked> {
  const { config, warnings, tlsFiles } = loadGatewayConfig(file);
  const { listen, backends, initiators, admin, audit } = config;
  const credentials = await tryAll(file, tlsFiles, [
    ...listen.map(({ tls }, index) => ({
      map: `listen[${index}].tls`,
      loading: loadGatewayCredentials(tls),
    })),
    ...(admin?.tls ? [{ map: 'admin.tls', loading: loadGatewayCredentials(admin.tls) }] : []),
  ]);
  return {
    ...credentials,
    warnings: [
      ...warnings.map(formatProblem),
      ...credentials.warnings,
      ...(audit ? await auditWarnings(audit.file) : []),
    ],
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
  const { config, warnings, tlsFiles } = loadStubConfig(file);
  const { tls, admin } = config;
  const credentials = await tryAll(file, tlsFiles, [
    { map: 'tls', loading: loadStubCredentials(tls) },
    ...(admin?.tls ? [{ map: 'admin.tls', loading: loadGatewayCredentials(admin.tls) }] : []),
  ]);
  return {
    ...credentials,
    warnings: [...warnings.map(formatProblem), ...credentials.warnings],
    summary: `${config.gateways.length} gateway(s)`,
  };
}

/** What is said of the credentials in each of these maps of the configuration; a mistake, with the place that names its file. */
async function tryAll(
  file: string,
  named: readonly NamedFile[],
  maps: readonly {
    readonly map: string;
    readonly loading: Promise<StubCredentials | GatewayCredentials>;
  }[],
): Promise<Omit<Checked, 'summary'>> {
  const settled = await Promise.allSettled(maps.map(({ loading }) => loading));
  const loaded = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const mistakes = settled.flatMap((one, index) => {
    if (one.status === 'fulfilled') return [];
    const errors = credentialsErrors(one.reason);
    if (errors === undefined) throw one.reason;
    return errors.map(({ message, file: unusable, setting }) => {
      const { map } = maps[index]!;
      const isIt = (at: NamedFile): boolean =>
        setting === undefined
          ? at.file === unusable && at.path.startsWith(`${map}.`)
          : at.path === `${map}.${setting}`;
      return { message, ...named.find(isIt)! };
    });
  });
  return {
    warnings: loaded.flatMap((credentials) => credentials.warnings),
    mistakes: mistakes
      .toSorted(byPlace)
      .map(({ message, path, ...at }) => `${formatLocation(file, at)}: ${path}: ${message}`),
    shutOut: loaded.flatMap((credentials) => ('shutOut' in credentials ? credentials.shutOut : [])),
  };
}
