import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CIPHER, GATEWAY_NAME } from '../support/certificates.ts';
import { onFreePort } from '../support/freePort.ts';
import { Program } from '../support/program.ts';
import { clientDials, type Path, type Site } from './path.ts';

/** HAProxy sets TCP_NODELAY by itself; `no-ssl-reuse` and `no-tls-tickets` for the reason that stunnel has `sessionResume = no`. */
export async function startHaproxyPair(site: Site): Promise<Path> {
  const { ca, gateway, initiator } = site.certificates;
  const tls = `ssl ssl-min-ver TLSv1.3 ciphersuites ${CIPHER} ca-file ${ca} verify required`;
  const server = await startHaproxy(site, {
    bind: `${tls} crt ${gateway.pair} no-tls-tickets`,
    server: site.portal,
  });
  const checked = `verifyhost ${GATEWAY_NAME} sni str(${GATEWAY_NAME})`;
  const client = await startHaproxy(site, {
    bind: '',
    server: `${await clientDials(site, server.address)} ${tls} crt ${initiator.pair} ${checked} no-ssl-reuse`,
  });
  return {
    portal: client.address,
    disk: site.disk,
    tunnel: { client: client.program, server: server.program, address: server.address },
  };
}

async function startHaproxy(
  { opened }: Site,
  options: { bind: string; server: string },
): Promise<{ address: string; program: Program }> {
  const file = path.join(await opened.directory(), 'haproxy.cfg');
  return onFreePort(async (port) => {
    const address = `127.0.0.1:${port}`;
    const configuration = [
      'defaults',
      '  mode tcp',
      '  timeout connect 10s',
      '  timeout client 1h',
      '  timeout server 1h',
      'listen iscsi',
      `  bind ${address} ${options.bind}`,
      `  server array ${options.server}`,
      '',
    ];
    await writeFile(file, configuration.join('\n'));
    // In the foreground and without a master process: its pid is the one whose CPU time counts.
    const program = new Program(opened, 'haproxy', ['-db', '-f', file]);
    await listens(program, port);
    return { address, program };
  });
}

/** It says nothing when it has its port, and ends when it can't have it. */
async function listens(program: Program, port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!program.running) await program.succeeds(0);
    if (isOpen) return;
    await setTimeout(20);
  }
}
