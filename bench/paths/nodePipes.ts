import { CIPHER, GATEWAY_NAME } from '../support/certificates.ts';
import { Program } from '../support/program.ts';
import type { PipeOptions } from '../processes/pipe.ts';
import { clientDials, type Path, type Site } from './path.ts';

/** What Node can do without a word of iSCSI: the ground on which sangate stands. */
export async function startNodePipePair(site: Site): Promise<Path> {
  const { ca, gateway, initiator } = site.certificates;
  const server = await startPipe(site, { role: 'server', to: site.portal, ca, ...pick(gateway) });
  const to = await clientDials(site, server.address);
  const client = await startPipe(site, {
    role: 'client',
    to,
    serverName: GATEWAY_NAME,
    ca,
    ...pick(initiator),
  });
  return {
    portal: client.address,
    disk: site.disk,
    tunnel: { client: client.program, server: server.program, address: server.address },
  };
}

async function startPipe(
  { opened, nodeFlags }: Site,
  options: PipeOptions,
): Promise<{ address: string; program: Program }> {
  const flags = [...nodeFlags, `--tls-cipher-list=${CIPHER}`];
  const program = Program.script(opened, 'pipe', options, { flags, gently: nodeFlags.length > 0 });
  return {
    address: await program.find((line) => /^listening (.*)/.exec(line)?.[1], 'port of the pipe'),
    program,
  };
}

function pick({ cert, key }: { cert: string; key: string }): { cert: string; key: string } {
  return { cert, key };
}
