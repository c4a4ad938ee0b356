import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { mint } from './minting.ts';

/** The two ends of one TLS connection over loopback: the server's and the client's. Both are gone when the test is over. */
export async function tlsPair(): Promise<[near: TLSSocket, far: TLSSocket]> {
  const { cert, key } = mint('localhost', { kind: 'ec' });
  const server = createServer({ cert, key, minVersion: 'TLSv1.3', noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const far = connect({ port, host: '127.0.0.1', ca: cert, checkServerIdentity: () => undefined });
  const [[near]] = (await Promise.all([once(server, 'secureConnection'), once(far, 'secureConnect')])) as [
    [TLSSocket],
    unknown,
  ];
  server.close();
  onTestFinished(() => {
    near.destroy();
    far.destroy();
  });
  return [near, far];
}
