import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { logEntry } from './log.ts';
import { Program, runOk } from './process.ts';
import type { Resources } from './resources.ts';
import type { ChapAccount } from './tgtd.ts';

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string;
  /** Revocation list of the CA, which the gateway then goes by. */
  readonly crl?: string;
  readonly gateway: KeyPair;
  readonly initiator: KeyPair;
}

/** The initiator's certificate carries this URI, the gateway's certificate this DNS name. */
export const INITIATOR_URI = 'spiffe://sangate/db1';
export const GATEWAY_NAME = 'gateway.test';

/** A CA with an empty revocation list, the gateway's and the initiator's certificate, made by `sangate pki`. */
export async function issueCertificates(opened: Resources): Promise<Required<Certificates>> {
  const directory = await opened.directory();
  const authority = { ca: path.join(directory, 'ca.crt'), crl: path.join(directory, 'ca.crl') };
  await pki(authority, 'init');
  const gateway = await issueGateway(authority);
  return { ...authority, gateway, initiator: await issueClient(authority, 'db1', INITIATOR_URI) };
}

type Authority = Pick<Certificates, 'ca'>;

/** A certificate for the gateway. */
export async function issueGateway(authority: Authority, name = 'gateway'): Promise<KeyPair> {
  await pki(authority, 'issue', name, '--server', '--dns', GATEWAY_NAME, '--ip', '127.0.0.1');
  return pairOf(authority, name);
}

/** One more client's certificate of the CA that `issueCertificates` made. */
export async function issueClient(authority: Authority, name: string, uri: string): Promise<KeyPair> {
  await pki(authority, 'issue', name, '--client', '--uri', uri);
  return pairOf(authority, name);
}

/** The same with another client's certificate, of the same name. */
export async function twinOf(
  certificates: Required<Certificates>,
  name: string,
): Promise<Required<Certificates>> {
  return { ...certificates, initiator: await issueClient(certificates, name, INITIATOR_URI) };
}

/** Puts a certificate of this CA on its revocation list. */
export async function revoke(authority: Authority, name: string): Promise<void> {
  await pki(authority, 'revoke', name);
}

async function pki({ ca }: Authority, ...args: string[]): Promise<void> {
  await runOk(process.execPath, [main, 'pki', ...args, '--dir', path.dirname(ca)]);
}

function pairOf({ ca }: Authority, name: string): KeyPair {
  const directory = path.dirname(ca);
  return { cert: path.join(directory, `${name}.crt`), key: path.join(directory, `${name}.key`) };
}

export interface ChapBothWays extends ChapAccount {
  readonly mutual?: ChapAccount;
  /** What CHAP_A may offer or accept; all that sangate knows when left out. */
  readonly algorithms?: ('md5' | 'sha1' | 'sha256' | 'sha3-256')[];
}

export interface Backend {
  readonly portals: string[];
  /** Globs of the targets that it carries; without them the gateway asks it. */
  readonly targets?: string[];
  /** What the gateway proves to the array, and what the array proves to it. */
  readonly chap?: ChapBothWays;
}

export interface Access {
  readonly target: string;
  readonly luns?: number[];
  readonly mode?: 'read-only' | 'read-write';
  readonly allow?: string[];
}

export interface Initiator {
  readonly iqn: string;
  /** Names or globs of the targets that it may use, or whole access entries. */
  readonly targets: (string | Access)[];
  /** In its certificate; INITIATOR_URI unless told. */
  readonly uri?: string;
  readonly maxSessions?: number;
  /** What it proves to the gateway, and what the gateway proves to it. */
  readonly chap?: ChapBothWays;
}

export interface GatewaySetup {
  readonly certificates: Certificates;
  readonly backends: Backend[];
  readonly initiators: Initiator[];
  /** Where it listens; on a port of the kernel's choice unless told. */
  readonly address?: string;
  readonly limits?: Record<string, number>;
  readonly guards?: { readonly duplicateInitiators: 'report' | 'refuse' };
  /** Keeps an audit trail beside its configuration. */
  readonly audit?: boolean;
  /** One process unless told. */
  readonly workers?: number;
}

export interface RunningGateway {
  readonly address: string;
  /** Of its metrics. */
  readonly admin: string;
  /** Its configuration. */
  readonly file: string;
  readonly program: Program;
}

/** A gateway whose initiators all carry the one initiator certificate, unless they have a URI of their own. */
export async function startGateway(opened: Resources, setup: GatewaySetup): Promise<RunningGateway> {
  const {
    certificates,
    backends,
    initiators,
    address = '127.0.0.1:0',
    limits,
    guards,
    audit,
    workers,
  } = setup;
  const { ca, crl, gateway } = certificates;
  const directory = await opened.directory();
  const secrets = new Secrets(directory);
  const config = {
    listen: [{ address, tls: { ...gateway, clientCa: ca, ...(crl && { crl }) } }],
    ...(limits && { limits }),
    ...(guards && { guards }),
    ...(workers !== undefined && { workers }),
    ...(audit && { audit: { file: path.join(directory, 'audit.jsonl') } }),
    backends: {} as Record<string, unknown>,
    initiators: {} as Record<string, unknown>,
    admin: { address: '127.0.0.1:0' },
  };
  for (const [index, { chap, ...backend }] of backends.entries()) {
    config.backends[`array${index + 1}`] = { ...backend, ...(chap && { chap: await secrets.chap(chap) }) };
  }
  for (const [index, initiator] of initiators.entries()) {
    const { iqn, targets, chap, uri = INITIATOR_URI, maxSessions } = initiator;
    config.initiators[`db${index + 1}`] = {
      iqn,
      certificate: { uri },
      from: ['127.0.0.0/8'],
      ...(maxSessions !== undefined && { maxSessions }),
      access: targets.map((target) => (typeof target === 'string' ? { target } : target)),
      ...(chap && { chap: await secrets.chap(chap) }),
    };
  }
  const running = await startRole(opened, 'gateway', directory, config);
  const port = await running.program.find((line) => listeningPort(line, 'admin'), { what: 'admin listener' });
  return { ...running, admin: `127.0.0.1:${port}` };
}

/** A stub in front of a gateway: `address` is where initiators dial. */
export async function startStub(
  opened: Resources,
  certificates: Certificates,
  gatewayAddress: string,
  options: { readonly workers?: number; readonly admin?: { readonly address: string } } = {},
): Promise<{ address: string; program: Program }> {
  return startRole(opened, 'stub', await opened.directory(), {
    listen: '127.0.0.1:0',
    gateways: [gatewayAddress],
    serverName: GATEWAY_NAME,
    tls: { ...certificates.initiator, ca: certificates.ca },
    ...options,
  });
}

/** The embedded target, told by flags what it serves. */
export async function startTarget(opened: Resources, flags: string[]): Promise<{ address: string }> {
  return startProgram(opened, 'target', ['--listen', '127.0.0.1:0', ...flags]);
}

async function startRole(
  opened: Resources,
  role: 'gateway' | 'stub',
  directory: string,
  config: object,
): Promise<{ address: string; file: string; program: Program }> {
  const file = path.join(directory, `${role}.yaml`);
  await writeFile(file, stringify(config));
  return { ...(await startProgram(opened, role, ['--config', file])), file };
}

async function startProgram(
  opened: Resources,
  role: 'gateway' | 'stub' | 'target',
  flags: string[],
): Promise<{ address: string; program: Program }> {
  const program = new Program(opened, process.execPath, [main, role, ...flags]);
  const port = await program.find((line) => listeningPort(line, role), {
    what: `"listening" of the ${role}`,
  });
  return { address: `127.0.0.1:${port}`, program };
}

function listeningPort(line: string, role: string): number | undefined {
  const entry = logEntry(line, 'listening');
  return entry?.role === role ? entry.port : undefined;
}

/** Writes secrets to files that only their owner can read, and refers to them. */
class Secrets {
  readonly #directory: string;
  #count = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async chap({ mutual, algorithms, ...account }: ChapBothWays): Promise<object> {
    return {
      ...(await this.#account(account)),
      ...(algorithms && { algorithms }),
      ...(mutual && { mutual: await this.#account(mutual) }),
    };
  }

  async #account({ user, secret }: ChapAccount): Promise<object> {
    const file = path.join(this.#directory, `secret${++this.#count}`);
    await writeFile(file, secret, { mode: 0o600 });
    return { user, secret: { file } };
  }
}
