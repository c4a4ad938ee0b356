import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import tls, { type TLSSocket } from 'node:tls';
import { Tap } from '../test/interop/support/tap.ts';
import { iscsiUrl } from './loads/iscsiPerf.ts';
import { logInRaw } from './loads/logInRaw.ts';
import type { Path, Site } from './paths/path.ts';
import { CIPHER, GATEWAY_NAME, type Certificates } from './support/certificates.ts';
import { run } from './support/program.ts';

/** What decides about the PDUs on the wire. */
const KEYS = [
  'HeaderDigest',
  'DataDigest',
  'InitialR2T',
  'ImmediateData',
  'MaxRecvDataSegmentLength',
  'FirstBurstLength',
  'MaxBurstLength',
  'MaxOutstandingR2T',
] as const;

/** Sees that all paths carry the same PDUs under the same cipher. @returns what was negotiated @throws where they do not */
export async function compareNegotiated(paths: ReadonlyMap<string, Path>, site: Site): Promise<object> {
  let common: object | undefined;
  for (const [name, path] of paths) {
    if (path.tunnel) await checkTunnel(name, path.tunnel.address, site.certificates);
    const negotiated = {
      ours: await ownParameters(path),
      libiscsi: await libiscsiParameters(path, site),
    };
    common ??= negotiated;
    if (!isDeepStrictEqual(negotiated, common)) {
      const [here, there] = [JSON.stringify(negotiated), JSON.stringify(common)];
      throw new Error(`${name} negotiates something else than the first path: ${here}, not ${there}`);
    }
  }
  return common!;
}

async function ownParameters({ portal, disk }: Path): Promise<object> {
  const { socket, parameters } = await logInRaw(portal, disk);
  socket.destroy();
  return parameters;
}

/** What iscsi-perf gets, asked for by its sibling, which is done at once. */
async function libiscsiParameters({ portal, disk }: Path, { opened }: Site): Promise<object> {
  const tap = await Tap.start(opened, portal);
  await run(opened, 'iscsi-inq', ['-i', disk.iqn, iscsiUrl(tap.address, disk)]);
  return Object.fromEntries(KEYS.map((key) => [key, tap.answers(key)]));
}

/** Its server end takes our cipher, though others are offered, and nobody without a certificate. */
async function checkTunnel(name: string, address: string, { ca, initiator }: Certificates): Promise<void> {
  const certificate = { cert: readFileSync(initiator.cert), key: readFileSync(initiator.key) };
  const certified = await handshake(address, { ca: readFileSync(ca), ...certificate });
  const cipher = certified?.getCipher().name;
  certified?.destroy();
  if (cipher !== CIPHER) throw new Error(`${name} agrees to ${cipher ?? 'no cipher'}, not to ${CIPHER}`);
  const stranger = await handshake(address, { ca: readFileSync(ca) });
  const isAdmitted = stranger !== undefined && (await staysOpen(stranger));
  stranger?.destroy();
  if (isAdmitted) throw new Error(`${name} asks for no certificate`);
}

function handshake(address: string, credentials: tls.ConnectionOptions): Promise<TLSSocket | undefined> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const offered = { ciphers: `TLS_AES_256_GCM_SHA384:${CIPHER}`, minVersion: 'TLSv1.3' } as const;
    const socket = tls.connect({
      ...credentials,
      ...offered,
      host,
      port: Number(port),
      servername: GATEWAY_NAME,
    });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

/** In TLS 1.3 the client's handshake is over before the server has looked at its certificate: the refusal comes behind. */
function staysOpen(socket: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.setTimeout(1000, () => resolve(true));
    socket.once('close', () => resolve(false));
    socket.on('error', () => {});
    socket.resume();
  });
}
