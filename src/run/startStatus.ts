import type { Gateway } from '../gateway/gateway.ts';
import type { Observer } from '../telemetry/events.ts';
import { History } from '../status/history.ts';
import type { ListenerStatus } from '../status/status.ts';
import { StatusBoard } from '../status/statusBoard.ts';
import type { GatewayCredentials } from '../tls/credentials.ts';
import { version } from '../version.ts';

export interface RunningStatus {
  readonly observe: Observer;
  readonly history: History;
  stop(): void;
}

/** What the admin listener tells of the gateway. @param adminCredentials the listener's own, if it has any */
export function startStatus(
  gateway: Gateway,
  adminCredentials: () => GatewayCredentials | undefined,
): RunningStatus {
  const board = new StatusBoard(version, {
    isReady: () => gateway.isListening,
    unauthenticated: () => gateway.unauthenticated,
    listeners: () => [
      ...[...gateway.listeners].map(([key, { credentials }]) => listenerStatus(key, credentials)),
      ...[adminCredentials()].flatMap((credentials) =>
        credentials === undefined ? [] : [listenerStatus('admin', credentials)],
      ),
    ],
    figures: () => gateway.figures(),
  });
  const history = new History(() => board.read());
  return {
    observe: board.observe,
    history,
    stop: () => {
      history.stop();
      board.stop();
    },
  };
}

function listenerStatus(listener: string, { notAfter, crlNextUpdate }: GatewayCredentials): ListenerStatus {
  return {
    listener,
    certificateNotAfter: new Date(notAfter).toISOString(),
    ...(crlNextUpdate !== undefined && { crlNextUpdate: new Date(crlNextUpdate).toISOString() }),
  };
}
