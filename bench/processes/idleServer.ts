// A TLS server that echoes what it is told and otherwise holds its sockets.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';

export interface IdleServerOptions {
  /** Paths of PEM files. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const files = JSON.parse(process.argv[2]!) as IdleServerOptions;
const credentials = {
  ca: readFileSync(files.ca),
  cert: readFileSync(files.cert),
  key: readFileSync(files.key),
};
const server = tls.createServer(
  { ...credentials, minVersion: 'TLSv1.3', requestCert: true, noDelay: true },
  (socket) => {
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
    socket.on('error', () => {}); // its peers are killed
  },
);
server.listen(0, '127.0.0.1', () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening ${address}:${port}`);
});
