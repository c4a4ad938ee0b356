import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { StubConfig } from '../config/stubConfig.ts';
import type { Portal } from '../iscsi/targetAddress.ts';
import type { StubCredentials } from '../tls/credentials.ts';
import { askForLeafOnly, checkGateway, explainDialFailure, stubTlsOptions } from '../tls/dial.ts';
import { dialFirst, settle } from '../transport/dial.ts';

export interface DialSettings {
  readonly config: Pick<StubConfig, 'gateways' | 'serverName' | 'connectTimeoutSeconds'>;
  readonly credentials: StubCredentials;
}

export interface DialledTunnel {
  readonly connection: TLSSocket;
  /** The gateway. */
  readonly portal: Portal;
}

/**
 * How long a tunnel is idle before it is probed. No NAT forgets it as soon as that; and one that leads nowhere any more is
 * found 10 s later (libuv probes ten times, a second apart), before many initiators are given it.
 */
const KEEP_ALIVE_MS = 10_000;

/** A tunnel to the first gateway that answers, its certificate checked; one try each. @throws DialError */
export function dialTunnel(settings: DialSettings, signal: AbortSignal): Promise<DialledTunnel> {
  const { gateways, connectTimeoutSeconds } = settings.config;
  return dialFirst(
    gateways,
    connectTimeoutSeconds * 1000,
    (to, until) => connect(settings, to, until),
    signal,
  );
}

function connect(
  { config, credentials }: DialSettings,
  gateway: Portal,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { serverName } = config;
  return new Promise((resolve, reject) => {
    const options: ConnectionOptions = {
      ...stubTlsOptions(credentials, { host: gateway.host, ...(serverName && { serverName }) }),
      host: gateway.host,
      port: gateway.port,
    };
    const socket = tls.connect(options);
    askForLeafOnly(socket);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const check = (): void => {
      try {
        checkGateway(socket);
        resolve(socket);
      } catch (error) {
        socket.destroy();
        reject(error);
      }
    };
    settle(socket, 'secureConnect', signal, check, (error) => reject(explainDialFailure(error)));
  });
}
