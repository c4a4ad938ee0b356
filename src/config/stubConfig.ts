import { dirname, resolve } from 'node:path';
import type { Portal } from '../iscsi/targetAddress.ts';
import { buildAdmin, type AdminConfig } from './adminConfig.ts';
import { crossCheckStub, refuseOtherRole } from './crossChecks.ts';
import { deepFreeze } from './deepFreeze.ts';
import { Findings, type NamedFile } from './findings.ts';
import type { LogLevel } from './gatewayConfig.ts';
import { ownMessagesOnly, reportIssues } from './issues.ts';
import { stubJsonSchema } from './jsonSchema.ts';
import { COMMAND_LINE, type Problem } from './problem.ts';
import { readConfigFile } from './readConfigFile.ts';
import { objectSource, yamlSource, type ConfigSource } from './source.ts';
import { stubSchema } from './stubSchema.ts';

export interface StubConfig {
  /** Where the initiator connects. */
  readonly listen: Portal;
  /** Tried in order. */
  readonly gateways: readonly Portal[];
  /** The name that the gateway's certificate must carry; absent: the host that is dialled. */
  readonly serverName?: string;
  /** Absolute paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
  /** For discovery; absent: what the initiator dialled. */
  readonly advertise?: Portal;
  readonly connectTimeoutSeconds: number;
  /** How many are dialled before an initiator comes. */
  readonly warmTunnels: number;
  /** Processes that carry the connections; 1: this one. */
  readonly workers: number | 'auto';
  /** Reload when a file changes. */
  readonly watch: boolean;
  /** Absent: turned off. */
  readonly admin?: AdminConfig;
  readonly log: { readonly level: LogLevel };
}

export interface StubConfigResult {
  readonly config: StubConfig;
  readonly warnings: readonly Problem[];
  /** Absolute paths of the files that it names, to be watched. */
  readonly files: readonly string[];
  /** Those of them that TLS takes. */
  readonly tlsFiles: readonly NamedFile[];
}

/** Reads the stub's configuration; changes nothing. @throws ConfigError with every problem */
export function loadStubConfig(file: string): StubConfigResult {
  const { files, ...result } = stubConfig(yamlSource(readConfigFile(file), file), dirname(resolve(file)));
  return { ...result, files: [resolve(file), ...files] };
}

/**
 * The same from settings that flags gave, in the shape of the file.
 *
 * @param directory against which relative paths are resolved
 * @throws ConfigError with every problem
 */
export function stubConfigFrom(settings: object, directory: string): StubConfigResult {
  return stubConfig(objectSource(settings, COMMAND_LINE), directory);
}

function stubConfig(source: ConfigSource, directory: string): StubConfigResult {
  const findings = new Findings(source);
  refuseOtherRole(source.value, 'stub', findings);
  const result = stubSchema.safeParse(source.value, ownMessagesOnly);
  if (!result.success) reportIssues(result.error.issues, source.value, stubJsonSchema, findings);
  crossCheckStub(source.value, findings);
  const warnings = findings.conclude();
  const { listen, gateways, serverName, tls, advertise, admin, ...plain } = result.data!;
  const config: StubConfig = {
    listen,
    gateways,
    ...(serverName !== undefined && { serverName }),
    tls: {
      cert: resolve(directory, tls.cert),
      key: resolve(directory, tls.key),
      ca: resolve(directory, tls.ca),
    },
    ...(advertise !== undefined && { advertise }),
    ...(admin !== false && { admin: buildAdmin(admin, directory) }),
    ...plain,
  };
  return deepFreeze({
    config,
    warnings,
    files: [...Object.values(config.tls), ...Object.values(config.admin?.tls ?? {})],
    tlsFiles: [
      ...findings.named(['tls'], config.tls),
      ...findings.named(['admin', 'tls'], config.admin?.tls),
    ],
  });
}
