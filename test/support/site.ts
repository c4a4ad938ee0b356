import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { runGateway, type RunningGateway } from '../../src/run/runGateway.ts';
import { runStub, type RunningStub } from '../../src/run/runStub.ts';
import { parseGatewayConfig, type GatewayConfigResult } from '../../src/config/gatewayConfig.ts';
import { stubConfigFrom } from '../../src/config/stubConfig.ts';
import type { ChapRequirement } from '../../src/policy/chapRequirement.ts';
import { Secret } from '../../src/policy/secret.ts';
import { serveGateway } from '../../src/gateway/workers/service.ts';
import { serveStub } from '../../src/stub/workers/service.ts';
import { CapturedLog } from './capturedLog.ts';
import { saveTestPki, testPki } from './certificates.ts';
import { workersInProcess } from './links.ts';
import { DB1, IDENTITY } from './loginPdus.ts';
import { ScriptedTarget, type ScriptedTargetOptions } from './scriptedTarget.ts';
import { TunnelInitiator } from './tunnelInitiator.ts';

/** db1's rule asks for CHAP if the initiator calls itself so. */
export const DB1_CHAP = `${DB1}-chap`;
/** As DB1_CHAP, mutual. */
export const DB1_MUTUAL = `${DB1}-mutual`;

const newSecret = (): string => randomBytes(12).toString('hex');

/** CHAP secrets by the environment variable that the configuration names. */
export const SECRETS = {
  DB1: newSecret(),
  DB1_MUTUAL: newSecret(),
  GATEWAY: newSecret(),
  TO_ARRAY: newSecret(),
  ARRAY: newSecret(),
} as const;

const common = {
  certificate: { uri: 'spiffe://sangate/db1' },
  from: ['127.0.0.1', '::1'],
  access: [{ target: 'iqn.2026-01.org.example:disk*' }],
};

/** Three of one host: certificate alone, CHAP, mutual CHAP; and two that db1's certificate or address does not fit. */
const INITIATORS = {
  db1: { ...common, iqn: DB1 },
  'db1-chap': { ...common, iqn: DB1_CHAP, chap: { user: 'db1', secret: { env: 'DB1' } } },
  'db1-mutual': {
    ...common,
    iqn: DB1_MUTUAL,
    chap: {
      user: 'db1',
      secret: { env: 'DB1_MUTUAL' },
      mutual: { user: 'gateway', secret: { env: 'GATEWAY' } },
    },
  },
  db2: { ...common, iqn: `${DB1}-2`, certificate: { uri: 'spiffe://sangate/db2' } },
  far: { ...common, iqn: `${DB1}-far`, from: ['203.0.113.0/24'] },
};

/** The configuration as a user would write it; secrets by the names in SECRETS. */
export interface SiteOptions {
  readonly backends: Readonly<Record<string, { portals: readonly string[]; [key: string]: unknown }>>;
  readonly limits?: Readonly<Record<string, number>>;
  /** Of the one listener. */
  readonly listen?: { readonly address?: string; readonly advertise?: string };
  readonly admin?: boolean;
  readonly audit?: { readonly file: string };
  readonly guards?: { readonly duplicateInitiators: 'report' | 'refuse' };
  /** Objects of this process that behave like processes; as many as SANGATE_TEST_WORKERS says unless told, which is 1 by itself. */
  readonly workers?: number;
}

const WORKERS = Number(process.env['SANGATE_TEST_WORKERS'] ?? 1);

/** What a test changes before a reload. */
export interface SiteSettings {
  listen: { address: string; tls: object; advertise?: string }[];
  backends: SiteOptions['backends'];
  initiators: Record<string, Record<string, unknown>>;
  limits?: Readonly<Record<string, number>>;
  [key: string]: unknown;
}

/** All that this test file has started: what went over their wire has no place in a log either. */
const arrays: ScriptedTarget[] = [];

/** A gateway on loopback with its certificates and its log, and initiators that come to it. */
export class Site {
  readonly log: CapturedLog;
  readonly file: (name: string) => string;
  readonly gateway: RunningGateway;
  /** Ends a worker as SIGKILL does. */
  readonly killWorker: (number: number) => void;
  /** The same of the last stub. */
  killStubWorker: (number: number) => void = () => {};
  readonly #directory: string;
  readonly #settings: SiteSettings;
  readonly #initiators: TunnelInitiator[] = [];
  readonly #stubs: RunningStub[] = [];

  private constructor(
    directory: string,
    file: (name: string) => string,
    gateway: RunningGateway,
    log: CapturedLog,
    settings: SiteSettings,
    killWorker: (number: number) => void,
  ) {
    this.killWorker = killWorker;
    this.#settings = settings;
    this.#directory = directory;
    this.file = file;
    this.gateway = gateway;
    this.log = log;
  }

  static async start({
    backends,
    limits,
    listen,
    guards,
    audit,
    admin = false,
    workers = WORKERS,
  }: SiteOptions): Promise<Site> {
    const directory = await mkdtemp(join(tmpdir(), 'sangate-'));
    const file = await saveTestPki(directory);
    const tls = { cert: 'gateway.crt', key: 'gateway.key', clientCa: 'ca.crt', crl: 'ca.crl' };
    const settings: SiteSettings = {
      listen: [{ address: '127.0.0.1:0', ...listen, tls }],
      backends,
      initiators: INITIATORS,
      ...(limits && { limits }),
      ...(guards && { guards }),
      ...(audit && { audit }),
      workers,
      admin: admin && { address: '127.0.0.1:0' },
    };
    const { config } = parse(settings, directory);
    const log = new CapturedLog();
    const { launch, kill } = workersInProcess(serveGateway);
    const gateway = await runGateway(config, log.logger, { launch });
    return new Site(directory, file, gateway, log, settings, kill);
  }

  /** Changes the configuration and has the gateway reload it. Resolves when it has, or has refused to. */
  async reload(change: (settings: SiteSettings) => void): Promise<void> {
    const settings = structuredClone(this.#settings);
    change(settings);
    await this.gateway.reload(() => parse(settings, this.#directory));
  }

  get port(): number {
    return this.gateway.addresses[0]!.port;
  }

  /** A tunnel with db1's certificate, unless told. */
  async connect(options: ConnectionOptions & { localAddress?: string } = {}): Promise<TunnelInitiator> {
    const { ca, client } = await testPki();
    const { localAddress, ...tls } = options;
    const { address: host, port } = this.gateway.addresses[0]!;
    const initiator = await TunnelInitiator.connect(
      { host, port, ...(localAddress && { localAddress }) },
      { ca, ...client, ALPNProtocols: ['sangate'], checkServerIdentity: () => undefined, ...tls },
    );
    this.#initiators.push(initiator);
    return initiator;
  }

  /** An initiator that speaks to the gateway without TLS, or to a stub. */
  async connectPlain(port = this.port, host = '127.0.0.1'): Promise<TunnelInitiator> {
    const initiator = await TunnelInitiator.connectPlain({ host, port });
    this.#initiators.push(initiator);
    return initiator;
  }

  async startStub(settings: object): Promise<RunningStub> {
    const tls = { cert: this.file('client.crt'), key: this.file('client.key'), ca: this.file('ca.crt') };
    const { config } = stubConfigFrom({ listen: '127.0.0.1:0', tls, ...settings }, this.#directory);
    const { launch, kill } = workersInProcess(serveStub);
    const stub = await runStub(config, this.log.logger, { launch });
    this.killStubWorker = kill;
    this.#stubs.push(stub);
    return stub;
  }

  /** No CHAP secret, and no challenge or response that went over the wire, stands in any line. */
  expectNothingSecretInLog(): void {
    const wire = [
      ...this.#initiators.flatMap(({ sent, received }) => [...sent, ...received]),
      ...arrays.flatMap(({ connections }) => connections.flatMap((connection) => connection.wire)),
    ];
    const values = Buffer.concat(wire)
      .toString('latin1')
      .matchAll(/CHAP_[CR]=0x([0-9a-fA-F]{8,})/g);
    for (const secret of [...Object.values(SECRETS), ...[...values].map(([, digits]) => digits!)]) {
      expect(this.log.text).not.toContain(secret);
    }
  }

  async close(): Promise<void> {
    for (const initiator of this.#initiators) initiator.destroy();
    for (const stub of this.#stubs) await stub.stop();
    await this.gateway.stop();
    await rm(this.#directory, { recursive: true, force: true });
    this.expectNothingSecretInLog();
  }
}

function parse(settings: SiteSettings, directory: string): GatewayConfigResult {
  const text = stringify(settings, { aliasDuplicateObjects: false });
  return parseGatewayConfig(text, { file: join(directory, 'gateway.yaml'), env: SECRETS });
}

/** A site for one test. */
export async function startSite(options: SiteOptions): Promise<Site> {
  const site = await Site.start(options);
  onTestFinished(() => site.close());
  return site;
}

/** Minting certificates takes a while on a busy machine; milliseconds. */
const START_TIMEOUT = 60_000;

/**
 * A site for all tests of a file, before one array. A session of somebody else's runs all the while, and after each test it
 * has to be alive, and nothing secret in the log.
 */
export function useSite(
  options: Omit<SiteOptions, 'backends'> = {},
  script?: ScriptedTargetOptions['script'],
): { site: () => Site; target: () => ScriptedTarget } {
  let target: ScriptedTarget;
  let site: Site;
  let bystander: TunnelInitiator;
  beforeAll(async () => {
    target = await ScriptedTarget.start({ ...(script && { script }) });
    // What workers say comes a moment later, which may be in the next test.
    site = await Site.start({ workers: 1, ...options, backends: { array1: { portals: [target.portal] } } });
    bystander = await site.connect();
    await bystander.logIn(IDENTITY, { isid: Buffer.from('4000013700ff', 'hex') });
  }, START_TIMEOUT);
  beforeEach(() => site.log.forget());
  afterEach(async () => {
    await bystander.ping();
    site.expectNothingSecretInLog();
  });
  afterAll(async () => {
    await site.close();
    await target.close();
  });
  return { site: () => site, target: () => target };
}

/** An array for one test. */
export async function startTarget(options: ScriptedTargetOptions = {}): Promise<ScriptedTarget> {
  const target = await ScriptedTarget.start(options);
  arrays.push(target);
  onTestFinished(() => target.close());
  return target;
}

/** What an array wants of the gateway, in the secrets' terms. */
export function arrayChap(isMutual: boolean): ChapRequirement {
  return {
    user: 'sangate',
    secret: new Secret(Buffer.from(SECRETS.TO_ARRAY)),
    algorithms: ['sha256', 'md5'],
    ...(isMutual && { mutual: { user: 'array', secret: new Secret(Buffer.from(SECRETS.ARRAY)) } }),
  };
}
