import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { CIPHER, GATEWAY_NAME, INITIATOR_NAME } from '../support/certificates.ts';
import { Program, ROOT } from '../support/program.ts';
import type { Disk } from '../support/tgtd.ts';
import { clientDials, type Path, type Site } from './path.ts';

export interface SangateOptions {
  /** Of the stub, where it is not as it is by itself. */
  readonly warmTunnels?: number;
  /** A directory with another one that is built, instead of this one. */
  readonly checkout?: string;
}

/** As a user runs it: from dist/, with logical units and mode in its rules, CHAP on both legs, accounting, audit trail and metrics. */
export async function startSangate(
  site: Site,
  { checkout = ROOT, ...stub }: SangateOptions = {},
): Promise<Path> {
  const { opened, certificates, disk, workers } = site;
  const { ca, gateway, initiator } = certificates;
  const directory = await opened.directory();
  const seen = { ...disk, secret: randomBytes(8).toString('hex') };
  const chap = async ({ user, secret }: Disk, name: string): Promise<object> => {
    const file = path.join(directory, name);
    await writeFile(file, secret, { mode: 0o600 });
    return { user, secret: { file } };
  };
  const many = 4096; // idle sessions are counted in thousands, all of one initiator
  const server = await startRole(site, checkout, 'gateway', {
    listen: [{ address: '127.0.0.1:0', tls: { cert: gateway.cert, key: gateway.key, clientCa: ca } }],
    backends: {
      array1: { portals: [site.portal], targets: [disk.target], chap: await chap(disk, 'array1') },
    },
    initiators: {
      bench1: {
        iqn: disk.iqn,
        certificate: { cn: INITIATOR_NAME },
        from: ['127.0.0.0/8'],
        chap: await chap(seen, 'bench1'),
        maxSessions: many,
        access: [{ target: disk.target, luns: [disk.lun], mode: 'read-write' }],
      },
    },
    workers,
    admin: { address: '127.0.0.1:0' },
    audit: { file: path.join(directory, 'audit.jsonl') },
  });
  const client = await startRole(site, checkout, 'stub', {
    listen: '127.0.0.1:0',
    gateways: [await clientDials(site, server.address)],
    serverName: GATEWAY_NAME,
    workers,
    tls: { cert: initiator.cert, key: initiator.key, ca },
    ...stub,
  });
  return {
    portal: client.address,
    disk: seen,
    tunnel: { client: client.program, server: server.program, address: server.address },
  };
}

async function startRole(
  { opened, nodeFlags }: Site,
  checkout: string,
  role: 'gateway' | 'stub',
  configuration: object,
): Promise<{ address: string; program: Program }> {
  const file = path.join(await opened.directory(), `${role}.yaml`);
  await writeFile(file, stringify(configuration));
  const main = path.join(checkout, 'dist/main.js');
  const args = [...nodeFlags, `--tls-cipher-list=${CIPHER}`, main, role, '--config', file];
  const program = new Program(opened, process.execPath, args, { gently: nodeFlags.length > 0 });
  return { address: await program.find((line) => listening(line, role), `port of the ${role}`), program };
}

function listening(line: string, role: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  const entry = JSON.parse(line) as Record<'msg' | 'role' | 'port', unknown>;
  return entry.msg === 'listening' && entry.role === role ? `127.0.0.1:${entry.port as number}` : undefined;
}
