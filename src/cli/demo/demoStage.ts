import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadGatewayConfig } from '../../config/gatewayConfig.ts';
import { stubConfigFrom } from '../../config/stubConfig.ts';
import { initStore, issueInto } from '../../pki/store.ts';
import { CHAP_ALGORITHMS, type ChapRequirement } from '../../policy/chapRequirement.ts';
import { Secret } from '../../policy/secret.ts';
import { MemoryStore } from '../../target/memoryStore.ts';
import type { GatewayEvent } from '../../telemetry/events.ts';
import type { Logger } from '../../telemetry/log.ts';
import { runGateway } from '../../run/runGateway.ts';
import { runStub, type RunningStub } from '../../run/runStub.ts';
import { runTarget } from '../../run/runTarget.ts';

export const INITIATOR_NAME = 'iqn.2026-01.local.sangate:demo-initiator';
export const TARGET_NAME = 'iqn.2026-01.local.sangate:demo-disk';
export const HIDDEN_NAME = 'iqn.2026-01.local.sangate:somebody-elses-disk';

const DISK_BYTES = 1024 * 1024 * 1024;
const DAYS = 30;

/** Everything that the demo has running, in one process and in a folder of its own. */
export interface DemoStage {
  /** Configuration, certificates and secrets, to look at. */
  readonly directory: string;
  readonly stub: AddressInfo;
  /** A stub with a certificate that the gateway's authority has not signed. */
  readonly strangersStub: AddressInfo;
  readonly admin: AddressInfo;
  /** What the demo's initiator proves, and wants proved in return. */
  readonly chap: ChapRequirement;
  /** What the gateway has said of refusals since the last call. */
  takeRefusals(): string[];
  close(): Promise<void>;
}

/** @param stubPort where the initiator connects; 0 lets the kernel choose */
export async function setDemoStage(stubPort: number, log: Logger): Promise<DemoStage> {
  const directory = mkdtempSync(join(tmpdir(), 'sangate-demo-'));
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const secrets = writeSecrets(directory);
    await mintCertificates(directory);
    const backends = [];
    for (const name of [TARGET_NAME, HIDDEN_NAME]) {
      const size = name === TARGET_NAME ? DISK_BYTES : 1024 * 1024;
      const target = await runTarget(
        { host: '127.0.0.1', port: 0, name, store: new MemoryStore(size), chap: secrets.array },
        // An array keeps its own log; its lines would look like the gateway's.
        log.child({}, { level: 'silent' }),
      );
      closers.push(() => target.stop());
      backends.push(target.address);
    }
    const file = join(directory, 'gateway.yaml');
    writeFileSync(file, gatewayYaml(backends));
    const refusals: string[] = [];
    const gateway = await runGateway(loadGatewayConfig(file).config, log, {
      also: (event) => {
        const refusal = describeRefusal(event);
        if (refusal !== undefined) refusals.push(refusal);
      },
    });
    closers.push(() => gateway.stop());
    const startStub = async (port: number, name: string): Promise<RunningStub> => {
      const { config } = stubConfigFrom(
        {
          listen: `127.0.0.1:${port}`,
          gateways: [`127.0.0.1:${gateway.addresses[0]!.port}`],
          tls: { cert: `certs/${name}.crt`, key: `certs/${name}.key`, ca: 'certs/ca.crt' },
        },
        directory,
      );
      const stub = await runStub(config, log);
      closers.push(() => stub.stop());
      return stub;
    };
    const stub = await startStub(stubPort, 'demo');
    const strangersStub = await startStub(0, 'stranger');
    return {
      directory,
      stub: stub.address,
      strangersStub: strangersStub.address,
      admin: gateway.admin!,
      chap: secrets.initiator,
      takeRefusals: () => refusals.splice(0),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface DemoSecrets {
  readonly initiator: ChapRequirement;
  readonly array: ChapRequirement;
}

/** Four secrets, each its own: two directions on two legs. */
function writeSecrets(directory: string): DemoSecrets {
  mkdirSync(join(directory, 'secrets'));
  const mint = (name: string): Secret => {
    const text = randomBytes(12).toString('hex');
    writeFileSync(join(directory, 'secrets', name), `${text}\n`, { mode: 0o600 });
    return new Secret(Buffer.from(text));
  };
  const leg = (user: string, mutualUser: string): ChapRequirement => ({
    user,
    secret: mint(user),
    algorithms: CHAP_ALGORITHMS,
    mutual: { user: mutualUser, secret: mint(mutualUser) },
  });
  return { initiator: leg('demo', 'gateway'), array: leg('sangate', 'array') };
}

async function mintCertificates(directory: string): Promise<void> {
  const certs = join(directory, 'certs');
  const strangers = join(directory, 'strangers');
  await initStore(certs, { commonName: 'sangate demo CA', days: DAYS, crlDays: DAYS });
  await initStore(strangers, { commonName: 'a stranger', days: DAYS, crlDays: DAYS });
  await issueInto(certs, 'gateway', { usage: 'server', days: DAYS, dns: ['localhost'], ip: ['127.0.0.1'] });
  await issueInto(certs, 'demo', { usage: 'client', days: DAYS, uri: ['spiffe://sangate.local/demo'] });
  const stranger = await issueInto(strangers, 'stranger', {
    usage: 'client',
    days: DAYS,
    uri: ['spiffe://sangate.local/demo'], // says all the right things, but nobody we trust has signed it
  });
  copyFileSync(stranger.certFile, join(certs, 'stranger.crt'));
  copyFileSync(stranger.keyFile, join(certs, 'stranger.key'));
}

function gatewayYaml(backends: readonly AddressInfo[]): string {
  return `listen:
  - address: 127.0.0.1:0
    tls: { cert: certs/gateway.crt, key: certs/gateway.key, clientCa: certs/ca.crt, crl: certs/ca.crl }
backends:
${backendYaml('disk', backends[0]!)}${backendYaml('other', backends[1]!)}initiators:
  demo:
    iqn: ${INITIATOR_NAME}
    certificate: { uri: "spiffe://sangate.local/demo" }
    from: [127.0.0.0/8]
    chap: { user: demo, secret: { file: secrets/demo }, mutual: { user: gateway, secret: { file: secrets/gateway } } }
    access:
      - { target: "${TARGET_NAME}" }
admin: { address: 127.0.0.1:0 }
`;
}

function backendYaml(name: string, { port }: AddressInfo): string {
  return `  ${name}:
    portals: [127.0.0.1:${port}]
    chap: { user: sangate, secret: { file: secrets/sangate }, mutual: { user: array, secret: { file: secrets/array } } }
`;
}

function describeRefusal(event: GatewayEvent): string | undefined {
  if (event.kind !== 'login' && event.kind !== 'handshake') return undefined;
  return event.failure && `${event.failure.reason}: ${event.failure.message}`;
}
