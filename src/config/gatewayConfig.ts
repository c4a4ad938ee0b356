import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import type { Portal } from '../iscsi/targetAddress.ts';
import type { ChapRequirement } from '../policy/chapRequirement.ts';
import type { AddressSet, InitiatorRule, RuleLocation } from '../policy/rules.ts';
import { addressSet } from './addressSet.ts';
import { buildAdmin, type AdminConfig } from './adminConfig.ts';
import { resolveChapSecrets, UNREAD_SECRETS, type ChapSecrets } from './chapSecrets.ts';
import { crossCheckGateway, refuseOtherRole } from './crossChecks.ts';
import { deepFreeze } from './deepFreeze.ts';
import type { chap } from './fields.ts';
import { Findings, type NamedFile } from './findings.ts';
import { gatewaySchema } from './gatewaySchema.ts';
import { ownMessagesOnly, reportIssues } from './issues.ts';
import { gatewayJsonSchema } from './jsonSchema.ts';
import type { ConfigPath, Problem } from './problem.ts';
import { readConfigFile } from './readConfigFile.ts';
import { SYSTEM_SECRETS, type SecretSource } from './secretReference.ts';
import { yamlSource } from './source.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface GatewayListener {
  readonly address: Portal;
  /** Absolute paths of PEM files. Whether they exist and fit together is for src/tls to find out. */
  readonly tls: {
    readonly cert: string;
    readonly key: string;
    readonly clientCa: string;
    readonly crl?: string;
  };
  /** For discovery, when no PROXY header tells what the initiator dialled. */
  readonly advertise?: Portal;
}

export interface BackendConfig {
  /** The key under `backends:`, e.g. `array1`. */
  readonly name: string;
  /** Tried in order. */
  readonly portals: readonly Portal[];
  /** Where the array may redirect to; absent: nowhere. */
  readonly redirectsTo?: AddressSet;
  /** Target names, exact or with `*`, lower case; absent: the array is asked. */
  readonly targets?: readonly string[];
  readonly chap?: ChapRequirement;
  readonly connectTimeoutSeconds: number;
  readonly location: RuleLocation;
}

export interface GatewayLimits {
  /** Connections in handshake or login, overall and from one address. */
  readonly unauthenticated: number;
  readonly unauthenticatedPerAddress: number;
  readonly loginSeconds: number;
  /** Tunnels that were dialled ahead, overall and with one certificate, and for how long they may wait. */
  readonly waiting: number;
  readonly waitingPerCertificate: number;
  readonly waitingSeconds: number;
  readonly discoverySeconds: number;
  readonly sessionsPerInitiator: number;
  readonly drainSeconds: number;
}

export interface GatewayGuards {
  /** What becomes of a login whose initiator name is there already, with another certificate or from another address. */
  readonly duplicateInitiators: 'report' | 'refuse';
}

export interface GatewayConfig {
  readonly listen: readonly GatewayListener[];
  readonly backends: readonly BackendConfig[];
  readonly initiators: readonly InitiatorRule[];
  readonly limits: GatewayLimits;
  readonly guards: GatewayGuards;
  /** Processes that carry the connections; 1: this one. */
  readonly workers: number | 'auto';
  /** Reload when a file changes. */
  readonly watch: boolean;
  /** Absent: turned off. */
  readonly admin?: AdminConfig;
  /** Absent: turned off. */
  readonly audit?: AuditConfig;
  readonly log: { readonly level: LogLevel };
}

export interface AuditConfig {
  /** Absolute path. */
  readonly file: string;
  readonly maxBytes: number;
  /** Rotated files that stay. */
  readonly keep: number;
}

export interface GatewayConfigResult {
  readonly config: GatewayConfig;
  readonly warnings: readonly Problem[];
  /** Absolute paths of the configuration and of every file that it names, to be watched. */
  readonly files: readonly string[];
  /** Those of them that TLS takes. */
  readonly tlsFiles: readonly NamedFile[];
}

export interface ParseOptions extends Partial<SecretSource> {
  /** As the user typed it; relative paths in the text start at its folder. */
  readonly file: string;
}

/** Reads the gateway's configuration and the secrets it refers to; changes nothing. @throws ConfigError with every problem */
export function loadGatewayConfig(file: string): GatewayConfigResult {
  return parseGatewayConfig(readConfigFile(file), { file });
}

/**
 * As `loadGatewayConfig`, for commands that only look at the configuration, run by somebody who may not read the secrets. None
 * is opened, and what is wrong with them is not found; to reveal one throws, so that no login can come of it.
 *
 * @throws ConfigError with every problem
 */
export function loadGatewayConfigWithoutSecrets(file: string): GatewayConfigResult {
  return parse(readConfigFile(file), file, () => UNREAD_SECRETS);
}

/** @throws ConfigError with every problem */
export function parseGatewayConfig(
  text: string,
  { file, ...secretSource }: ParseOptions,
): GatewayConfigResult {
  const source = { ...SYSTEM_SECRETS, ...secretSource };
  return parse(text, file, (input, directory, findings) =>
    resolveChapSecrets(input, directory, source, findings),
  );
}

function parse(
  text: string,
  file: string,
  secretsOf: (input: unknown, directory: string, findings: Findings) => ChapSecrets,
): GatewayConfigResult {
  const source = yamlSource(text, file);
  const findings = new Findings(source);
  refuseOtherRole(source.value, 'gateway', findings);
  const directory = dirname(resolve(file));
  const result = gatewaySchema.safeParse(source.value, ownMessagesOnly);
  if (!result.success) reportIssues(result.error.issues, source.value, gatewayJsonSchema, findings);
  const secrets = secretsOf(source.value, directory, findings);
  crossCheckGateway(source.value, findings);
  const warnings = findings.conclude();
  const config = build(result.data!, { directory, secrets, findings });
  const files = [
    ...new Set([
      resolve(file),
      ...config.listen.flatMap(({ tls }) => Object.values(tls)),
      ...Object.values(config.admin?.tls ?? {}),
      ...secrets.files,
    ]),
  ];
  const tlsFiles = [
    ...config.listen.flatMap(({ tls }, index) => findings.named(['listen', index, 'tls'], tls)),
    ...findings.named(['admin', 'tls'], config.admin?.tls),
  ];
  return deepFreeze({ config, warnings, files, tlsFiles });
}

type Written = z.output<typeof gatewaySchema>;
type WrittenChap = z.output<ReturnType<typeof chap>>;

interface Context {
  readonly directory: string;
  readonly secrets: ChapSecrets;
  readonly findings: Findings;
}

function build(
  { listen, backends, initiators, limits, guards, workers, watch, admin, audit, log }: Written,
  context: Context,
): GatewayConfig {
  return {
    listen: listen.map((listener) => buildListener(listener, context)),
    backends: Object.entries(backends).map(([name, backend]) => buildBackend(name, backend, context)),
    initiators: Object.entries(initiators).map(([id, initiator]) =>
      buildInitiator(id, initiator, limits, context),
    ),
    limits,
    guards,
    workers,
    watch,
    ...(admin !== false && { admin: buildAdmin(admin, context.directory) }),
    ...(audit !== undefined && {
      audit: {
        file: resolve(context.directory, audit.file),
        maxBytes: audit.maxMegabytes * 2 ** 20,
        keep: audit.keep,
      },
    }),
    log,
  };
}

function buildListener(
  { address, tls, advertise }: Written['listen'][number],
  { directory }: Context,
): GatewayListener {
  return {
    address,
    tls: {
      cert: resolve(directory, tls.cert),
      key: resolve(directory, tls.key),
      clientCa: resolve(directory, tls.clientCa),
      ...(tls.crl !== undefined && { crl: resolve(directory, tls.crl) }),
    },
    ...(advertise !== undefined && { advertise }),
  };
}

function buildBackend(name: string, backend: Written['backends'][string], context: Context): BackendConfig {
  const { portals, redirectsTo, targets, chap, connectTimeoutSeconds } = backend;
  const path = ['backends', name];
  return {
    name,
    portals,
    ...(redirectsTo !== undefined && { redirectsTo: addressSet(redirectsTo) }),
    ...(targets !== undefined && { targets }),
    ...(chap !== undefined && { chap: buildChap(chap, [...path, 'chap'], context) }),
    connectTimeoutSeconds,
    location: context.findings.location(path, 'key'),
  };
}

function buildInitiator(
  id: string,
  initiator: Written['initiators'][string],
  { sessionsPerInitiator }: GatewayLimits,
  context: Context,
): InitiatorRule {
  const { iqn, certificate, from, chap, cluster, maxSessions, shadow, access } = initiator;
  const path = ['initiators', id];
  return {
    id,
    iqn,
    certificate,
    from: addressSet(from),
    ...(chap !== undefined && { chap: buildChap(chap, [...path, 'chap'], context) }),
    cluster,
    maxSessions: maxSessions ?? sessionsPerInitiator,
    shadow,
    access: access.map(({ target, luns, mode, allow }, index) => ({
      target,
      ...(luns !== undefined && { luns }),
      mode,
      allow,
      location: context.findings.location([...path, 'access', index], 'value'),
    })),
    location: context.findings.location(path, 'key'),
  };
}

function buildChap(
  { user, algorithms, mutual }: WrittenChap,
  path: ConfigPath,
  { secrets }: Context,
): ChapRequirement {
  return {
    user,
    secret: secrets.at([...path, 'secret']),
    algorithms: [...new Set(algorithms)],
    ...(mutual !== undefined && {
      mutual: { user: mutual.user, secret: secrets.at([...path, 'mutual', 'secret']) },
    }),
  };
}
