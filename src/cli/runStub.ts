import type { AddressInfo } from 'node:net';
import type { StubConfig } from '../config/stubConfig.ts';
import { Stub, type StubEvent } from '../stub/stub.ts';
import type { Logger } from '../telemetry/log.ts';
import { loadStubCredentials } from '../tls/credentials.ts';

export interface RunningStub {
  readonly address: AddressInfo;
  stop(): Promise<void>;
}

/** Puts a stub together from its configuration and starts it. @throws CredentialsError; the listener's error */
export async function runStub(config: StubConfig, log: Logger): Promise<RunningStub> {
  const credentials = await loadStubCredentials(config.tls);
  for (const warning of credentials.warnings) log.warn(warning);
  const stub = new Stub({ config, credentials, observe: (event) => logStubEvent(log, event) });
  const address = await stub.start();
  log.info({ role: 'stub', address: address.address, port: address.port }, 'listening');
  return { address, stop: () => stub.stop() };
}

function logStubEvent(log: Logger, event: StubEvent): void {
  switch (event.kind) {
    case 'opened':
      return log.info({ initiator: event.initiator, gateway: event.gateway }, 'tunnel open');
    case 'closed': {
      const { initiator, gateway, error } = event;
      return error === undefined
        ? log.info({ initiator, gateway }, 'tunnel closed')
        : log.warn({ initiator, gateway, detail: error.message }, 'tunnel closed');
    }
    case 'unreachable':
      return log.warn(
        { initiator: event.initiator, detail: event.error.message },
        'no gateway can be reached',
      );
  }
}
