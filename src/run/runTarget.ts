import type { AddressInfo } from 'node:net';
import type { BackingStore } from '../target/backingStore.ts';
import { DiskTarget } from '../target/diskTarget.ts';
import { LogicalUnit } from '../target/logicalUnit.ts';
import { TargetServer, type TargetServerOptions } from '../target/targetServer.ts';
import type { Logger } from '../telemetry/log.ts';
import { logTargetEvent } from './targetEvents.ts';

export interface RunningTarget {
  readonly address: AddressInfo;
  stop(): Promise<void>;
}

export interface TargetSettings extends Pick<TargetServerOptions, 'host' | 'port' | 'chap'> {
  /** Normalised. */
  readonly name: string;
  readonly store: BackingStore;
}

/** Puts an embedded target with one logical unit, LUN 0, together and starts it. */
export async function runTarget(
  { name, store, ...listen }: TargetSettings,
  log: Logger,
): Promise<RunningTarget> {
  const unit = new LogicalUnit({
    lun: 0,
    store,
    serial: `${name}:0`,
    onStoreError: (error) => log.error({ target: name, detail: error.message }, 'the backing store failed'),
  });
  const target = new DiskTarget(name, [unit]);
  const server = new TargetServer({
    ...listen,
    target,
    observe: (event) => logTargetEvent(log, event),
  });
  const address = await server.start().catch(async (error: unknown) => {
    await target.close();
    throw error;
  });
  log.info({ role: 'target', address: address.address, port: address.port, target: name }, 'listening');
  return { address, stop: () => server.stop() };
}
