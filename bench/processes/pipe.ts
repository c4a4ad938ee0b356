// One end of a TLS tunnel that knows nothing of what passes: net, tls, large reads, small chunks written together.
import { readFileSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';

export interface PipeOptions {
  readonly role: 'client' | 'server';
  /** Whereto. */
  readonly to: string;
  /** What the certificate there must say; the client's. */
  readonly serverName?: string;
  /** Paths of PEM files. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What TCP may give at once, where we dial: accepted sockets can't be told. */
const READ_SIZE = 256 * 1024;
/** The most that one record carries (RFC 8446 §5.1). */
const TLS_RECORD = 16 * 1024;

const { role, to, serverName, ...files } = JSON.parse(process.argv[2]!) as PipeOptions;
const credentials = {
  ca: readFileSync(files.ca),
  cert: readFileSync(files.cert),
  key: readFileSync(files.key),
  minVersion: 'TLSv1.3',
} as const;
const { hostname: host, port: text } = new URL(`tcp://${to}`);
const port = Number(text);

const server =
  role === 'client'
    ? net.createServer({ noDelay: true, pauseOnConnect: true }, (near) => {
        const far = tls.connect({ ...credentials, host, port, servername: serverName! });
        far.setNoDelay(true);
        join(near, far);
      })
    : tls.createServer({ ...credentials, requestCert: true, noDelay: true }, (near) => {
        near.pause();
        const far: Socket = net.connect({
          host,
          port,
          noDelay: true,
          onread: {
            buffer: Buffer.allocUnsafeSlow(READ_SIZE),
            callback: (length, buffer) => {
              // The buffer is read into again before what was written is surely gone.
              near.write(Buffer.from(buffer.subarray(0, length)));
              return goesOn(far, near);
            },
          },
        });
        join(near, far);
      });
// A profile is written at the end.
process.once('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening ${address}:${port}`);
});

function join(near: Socket, far: Socket): void {
  forward(near, far);
  forward(far, near);
  near.resume();
}

function forward(from: Socket, to: Socket): void {
  let flushing: NodeJS.Immediate | undefined;
  const flush = (): void => {
    clearImmediate(flushing);
    flushing = undefined;
    to.uncork();
  };
  from.on('data', (chunk: Buffer) => {
    // Behind a whole TLS record there mostly is another one that is decrypted already: they go out as one.
    const isWhole = chunk.length === TLS_RECORD;
    if (isWhole && flushing === undefined) {
      to.cork();
      flushing = setImmediate(flush);
    }
    to.write(chunk);
    if (!isWhole && flushing !== undefined) flush();
    goesOn(from, to);
  });
  to.on('drain', () => from.resume());
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
  from.on('end', () => to.end());
}

function goesOn(from: Socket, to: Socket): boolean {
  if (!to.writableNeedDrain) return true;
  from.pause();
  return false;
}
