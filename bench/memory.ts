import { setTimeout } from 'node:timers/promises';
import { Resources } from '../test/interop/support/resources.ts';
import type { IdleOptions } from './processes/idle.ts';
import type { IdleServerOptions } from './processes/idleServer.ts';
import { startNodePipePair } from './paths/nodePipes.ts';
import type { Path, Site } from './paths/path.ts';
import { startPath, type PathName } from './paths/paths.ts';
import { CIPHER } from './support/certificates.ts';
import { Program } from './support/program.ts';

/** What one idle session costs, in KiB. */
export interface Footprint {
  readonly client: number;
  readonly server: number;
}

/** The resident memory is looked at until it stays: garbage of the logins goes first. */
const LOOK_MS = 500;
const LOOKS = 60;
const STEADY_LOOKS = 6;
const STEADY = 0.005;

/** Of a new pair of programs, so that nothing is there but the sessions. */
export async function footprintOf(
  name: PathName,
  site: Site,
  sessions: number,
): Promise<Footprint | undefined> {
  return withOwnResources(site, async (own) => {
    const path = await startPath(name, own);
    return path.tunnel && footprint(own.opened, path, sessions, 'sessions');
  });
}

/** Of a TLS server in Node that does nothing but hold its sockets. */
export async function footprintOfTlsSockets(site: Site, sessions: number): Promise<number> {
  return withOwnResources(site, async (own) => {
    const { ca, gateway } = own.certificates;
    const options: IdleServerOptions = { ca, cert: gateway.cert, key: gateway.key };
    const server = Program.script(own.opened, 'idleServer', options, {
      flags: [...site.nodeFlags, `--tls-cipher-list=${CIPHER}`],
    });
    const address = await server.find((line) => /^listening (.*)/.exec(line)?.[1], 'port of the idle server');
    // The pair's server end goes unused: its client end dials the server that holds its sockets.
    const pair = await startNodePipePair({ ...own, between: async () => address });
    const path = { ...pair, tunnel: { ...pair.tunnel!, server } };
    return (await footprint(own.opened, path, sessions, 'sockets')).server;
  });
}

async function footprint(
  opened: Resources,
  { portal, disk, tunnel }: Path,
  sessions: number,
  kind: IdleOptions['kind'],
): Promise<Footprint> {
  const { client, server } = tunnel!;
  // The first sessions pay for what all share.
  await openIdle(opened, { portal, disk, sessions: 10, kind });
  const before = { client: await settled(client), server: await settled(server) };
  await openIdle(opened, { portal, disk, sessions, kind });
  const grown = async (program: Program, from: number): Promise<number> =>
    ((await settled(program)) - from) / sessions;
  return { client: await grown(client, before.client), server: await grown(server, before.server) };
}

/** They stay open until the resources are released. */
async function openIdle(opened: Resources, options: IdleOptions): Promise<void> {
  const idle = Program.script(opened, 'idle', options);
  await idle.find((line) => line === 'open' || undefined, 'open sessions', 120);
}

async function settled(program: Program): Promise<number> {
  let lowest = program.residentKiB();
  for (let look = 0, steady = 0; look < LOOKS && steady < STEADY_LOOKS; look++) {
    await setTimeout(LOOK_MS);
    const now = program.residentKiB();
    steady = now < lowest * (1 - STEADY) ? 0 : steady + 1;
    lowest = Math.min(lowest, now);
  }
  return lowest;
}

async function withOwnResources<T>(site: Site, use: (own: Site) => Promise<T>): Promise<T> {
  const opened = new Resources();
  try {
    return await use({ ...site, opened });
  } finally {
    await opened.release();
  }
}
