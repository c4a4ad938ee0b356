import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Program } from './process.ts';
import type { Resources } from './resources.ts';
import { GATEWAY_NAME, type Certificates } from './sangate.ts';

/** stunnel as the stub: `address` is where initiators dial. */
export async function startStunnel(
  opened: Resources,
  { ca, initiator }: Certificates,
  gatewayAddress: string,
): Promise<{ address: string }> {
  const file = path.join(await opened.directory(), 'stunnel.conf');
  const configuration = [
    'foreground = yes',
    'pid =',
    'syslog = no',
    'debug = info',
    'socket = l:TCP_NODELAY=1',
    'socket = r:TCP_NODELAY=1',
    '[iscsi]',
    'client = yes',
    'accept = 127.0.0.1:0',
    `connect = ${gatewayAddress}`,
    `sni = ${GATEWAY_NAME}`,
    `cert = ${initiator.cert}`,
    `key = ${initiator.key}`,
    `CAfile = ${ca}`,
    'verifyChain = yes',
    `checkHost = ${GATEWAY_NAME}`,
    'sslVersionMin = TLSv1.3',
  ];
  await writeFile(file, configuration.join('\n'));
  const program = new Program(opened, 'stunnel4', [file]);
  const [, address] = await program.find((line) => /bound to (127\.0\.0\.1:\d+)/.exec(line) ?? undefined, {
    what: 'port of stunnel',
  });
  return { address: address! };
}
