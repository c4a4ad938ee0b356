// The two ends of a passage: an initiator and a target that count bytes and send what is ready made. Told over IPC what to do.
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import { CIPHER } from '../support/certificates.ts';
import { TAGS, WORKLOADS } from '../workloads.ts';

export interface EndsOptions {
  /** Of WORKLOADS. */
  readonly workload: number;
  /** On loopback: where the middle awaits the initiator. */
  readonly initiatorPort: number;
  /** The certificate that is to be trusted, in PEM; absent: no TLS. */
  readonly ca?: string;
}

/** What is said first. */
export interface Ready {
  /** On loopback: where the target awaits the middle. */
  readonly targetPort: number;
}

/** For so many ms the workload's depth of commands is kept under way; the answer comes when the last one is there. */
export interface Order {
  readonly milliseconds: number;
}

export interface Done {
  readonly exchanges: number;
  readonly seconds: number;
}

const { workload, initiatorPort, ca } = JSON.parse(process.argv[2]!) as EndsOptions;
const { depth, requests, responses } = WORKLOADS[workload]!;

const initiator: Socket =
  ca === undefined
    ? net.connect(initiatorPort, '127.0.0.1')
    : tls.connect({
        port: initiatorPort,
        host: '127.0.0.1',
        ca,
        ciphers: CIPHER,
        minVersion: 'TLSv1.3',
        // The one certificate that is trusted is the middle's.
        checkServerIdentity: () => undefined,
      });
await once(initiator, ca === undefined ? 'connect' : 'secureConnect');
const server = net.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const ready: Ready = { targetPort: (server.address() as AddressInfo).port };
process.send!(ready);
const [target] = (await once(server, 'connection')) as [Socket];
server.close();
for (const socket of [initiator, target]) socket.setNoDelay(true);
answerEach();
const answered = countEach();

process.on('message', ({ milliseconds }: Order) => void run(milliseconds));
process.once('disconnect', () => process.exit(0));

async function run(milliseconds: number): Promise<void> {
  const before = answered();
  let sent = before;
  const top = (): void => {
    initiator.cork();
    for (; sent < answered() + depth; sent++) initiator.write(requests[sent % TAGS]!);
    initiator.uncork();
  };
  const start = performance.now();
  top();
  while (performance.now() - start < milliseconds) {
    await once(initiator, 'data');
    top();
  }
  while (answered() < sent) await once(initiator, 'data');
  const done: Done = { exchanges: sent - before, seconds: (performance.now() - start) / 1000 };
  process.send!(done);
}

function answerEach(): void {
  const { length } = requests[0]!;
  let bytes = 0;
  let count = 0;
  target.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    target.cork();
    for (; (count + 1) * length <= bytes; count++) target.write(responses[count % TAGS]!);
    target.uncork();
  });
}

function countEach(): () => number {
  const { length } = responses[0]!;
  let bytes = 0;
  initiator.on('data', (chunk: Buffer) => void (bytes += chunk.length));
  return () => Math.floor(bytes / length);
}
