import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CIPHER, GATEWAY_NAME } from '../support/certificates.ts';
import { Program } from '../support/program.ts';
import { clientDials, type Path, type Site } from './path.ts';

export async function startStunnelPair(site: Site): Promise<Path> {
  const { ca, gateway, initiator } = site.certificates;
  const server = await startStunnel(site, [
    `connect = ${site.portal}`,
    `cert = ${gateway.cert}`,
    `key = ${gateway.key}`,
    `CAfile = ${ca}`,
  ]);
  const client = await startStunnel(site, [
    'client = yes',
    `connect = ${await clientDials(site, server.address)}`,
    `sni = ${GATEWAY_NAME}`,
    `cert = ${initiator.cert}`,
    `key = ${initiator.key}`,
    `CAfile = ${ca}`,
    `checkHost = ${GATEWAY_NAME}`,
  ]);
  return {
    portal: client.address,
    disk: site.disk,
    tunnel: { client: client.program, server: server.program, address: server.address },
  };
}

async function startStunnel(
  { opened }: Site,
  service: readonly string[],
): Promise<{ address: string; program: Program }> {
  const file = path.join(await opened.directory(), 'stunnel.conf');
  const configuration = [
    'foreground = yes',
    'pid =',
    'syslog = no',
    'debug = info', // the first level that tells the port
    'socket = l:TCP_NODELAY=1',
    'socket = r:TCP_NODELAY=1',
    '[iscsi]',
    'accept = 127.0.0.1:0',
    ...service,
    'verifyChain = yes',
    'sslVersionMin = TLSv1.3',
    `ciphersuites = ${CIPHER}`,
    // As the gateway has it: who resumes is not asked for the certificate again, nor is a revocation list.
    'sessionResume = no',
  ];
  await writeFile(file, configuration.join('\n'));
  const program = new Program(opened, 'stunnel4', [file]);
  return { address: await program.find(boundTo, 'port of stunnel'), program };
}

function boundTo(line: string): string | undefined {
  return /bound to (127\.0\.0\.1:\d+)/.exec(line)?.[1];
}
