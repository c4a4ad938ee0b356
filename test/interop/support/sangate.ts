import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
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
  readonly gateway: KeyPair;
  readonly initiator: KeyPair;
}

/** The initiator's certificate carries this URI, the gateway's certificate this DNS name. */
export const INITIATOR_URI = 'spiffe://sangate/db1';
export const GATEWAY_NAME = 'gateway.test';

/** A CA, the gateway's and the initiator's certificate, made by `sangate pki`. */
export async function issueCertificates(opened: Resources): Promise<Certificates> {
  const directory = await opened.directory();
  const pki = (...args: string[]) => runOk(process.execPath, [main, 'pki', ...args, '--dir', directory]);
  await pki('init');
  await pki('issue', 'gateway', '--server', '--dns', GATEWAY_NAME, '--ip', '127.0.0.1');
  await pki('issue', 'db1', '--client', '--uri', INITIATOR_URI);
  const pair = (name: string): KeyPair => ({
    cert: path.join(directory, `${name}.crt`),
    key: path.join(directory, `${name}.key`),
  });
  return { ca: path.join(directory, 'ca.crt'), gateway: pair('gateway'), initiator: pair('db1') };
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
  /** What it proves to the gateway, and what the gateway proves to it. */
  readonly chap?: ChapBothWays;
}

/** A gateway on a port of the kernel's choice; every initiator carries the one initiator certificate. */
export async function startGateway(
  opened: Resources,
  {
    certificates,
    backends,
    initiators,
  }: { certificates: Certificates; backends: Backend[]; initiators: Initiator[] },
): Promise<{ address: string; program: Program }> {
  const { ca, gateway } = certificates;
  const directory = await opened.directory();
  const secrets = new Secrets(directory);
  const config = {
    listen: [{ address: '127.0.0.1:0', tls: { ...gateway, clientCa: ca } }],
    backends: {} as Record<string, unknown>,
    initiators: {} as Record<string, unknown>,
    admin: { address: '127.0.0.1:0' },
  };
  for (const [index, { chap, ...backend }] of backends.entries()) {
    config.backends[`array${index + 1}`] = { ...backend, ...(chap && { chap: await secrets.chap(chap) }) };
  }
  for (const [index, { iqn, targets, chap }] of initiators.entries()) {
    config.initiators[`db${index + 1}`] = {
      iqn,
      certificate: { uri: INITIATOR_URI },
      from: ['127.0.0.0/8'],
      access: targets.map((target) => (typeof target === 'string' ? { target } : target)),
      ...(chap && { chap: await secrets.chap(chap) }),
    };
  }
  return startRole(opened, 'gateway', directory, config);
}

/** A stub in front of a gateway: `address` is where initiators dial. */
export async function startStub(
  opened: Resources,
  certificates: Certificates,
  gatewayAddress: string,
): Promise<{ address: string; program: Program }> {
  return startRole(opened, 'stub', await opened.directory(), {
    listen: '127.0.0.1:0',
    gateways: [gatewayAddress],
    serverName: GATEWAY_NAME,
    tls: { ...certificates.initiator, ca: certificates.ca },
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
): Promise<{ address: string; program: Program }> {
  const file = path.join(directory, `${role}.yaml`);
  await writeFile(file, stringify(config));
  return startProgram(opened, role, ['--config', file]);
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
  if (!line.startsWith('{')) return undefined;
  const entry = JSON.parse(line) as { msg?: string; role?: string; port?: number };
  return entry.msg === 'listening' && entry.role === role ? entry.port : undefined;
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
