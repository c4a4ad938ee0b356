import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { chapFromFiles } from '../config/chapFromFiles.ts';
import { isLoopback, parsePortal } from '../config/portal.ts';
import { parseIscsiName } from '../iscsi/names.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { ISCSI_PORT } from '../iscsi/targetAddress.ts';
import type { BackingStore } from '../target/backingStore.ts';
import { FileStore } from '../target/fileStore.ts';
import { MemoryStore } from '../target/memoryStore.ts';
import { createLog } from '../telemetry/log.ts';
import { runTarget } from '../run/runTarget.ts';
import { untilStopped } from './untilStopped.ts';

export function targetCommand() {
  return new Command('target')
    .description('serve a file, or memory, as an iSCSI disk')
    .option('-f, --file <image>', 'the disk is this file')
    .option('--create <size>', 'make the file if it is not there, e.g. 10G', size)
    .option('-m, --memory <size>', 'the disk is in memory and gone at the end, e.g. 1G', size)
    .option('--read-only', 'nobody can write to it')
    .option('-n, --name <iqn>', 'name of the target (default: made from the file name)', iscsiName)
    .option('-l, --listen <host:port>', 'where initiators connect', `127.0.0.1:${ISCSI_PORT}`)
    .option('--chap-user <name>', 'initiators authenticate with this name …')
    .option('--chap-secret-file <file>', '… and the secret in this file')
    .option('--mutual-user <name>', 'the target authenticates itself with this name …')
    .option('--mutual-secret-file <file>', '… and the secret in this file')
    .addOption(new Option('--allow-anyone', 'listen beyond loopback without CHAP'))
    .action(async (options, command) => {
      if ((options.file === undefined) === (options.memory === undefined)) {
        command.error('error: say either --file or --memory');
      }
      if (options.memory !== undefined && (options.create !== undefined || options.readOnly === true)) {
        command.error('error: --create and --read-only go with --file: memory is always new, and empty');
      }
      const listen = parsePortal(options.listen, { defaultPort: ISCSI_PORT, purpose: 'listen' });
      const chap = chapFromFiles(options);
      if (chap === undefined && !isLoopback(listen.host) && options.allowAnyone !== true) {
        command.error(
          `error: at ${options.listen} anybody on the network could use the disk: give --chap-user and --chap-secret-file, ` +
            'or listen on 127.0.0.1 behind a gateway, or say --allow-anyone',
        );
      }
      const name = options.name ?? defaultName(options.file);
      const log = createLog('info');
      const stopped = untilStopped();
      const store = await openStore(options);
      const target = await runTarget({ ...listen, name, store, ...(chap && { chap }) }, log);
      const signal = await stopped;
      log.info({ signal }, 'stopping');
      await target.stop();
    });
}

interface StoreOptions {
  readonly file?: string | undefined;
  readonly create?: number | undefined;
  readonly memory?: number | undefined;
  readonly readOnly?: true | undefined;
}

function openStore({ file, create, memory, readOnly }: StoreOptions): Promise<BackingStore> {
  if (file === undefined) return Promise.resolve(new MemoryStore(memory!));
  return FileStore.open(file, { ...(create !== undefined && { create }), ...(readOnly && { readOnly }) });
}

/** A name that stays the same for the same file. */
function defaultName(file: string | undefined): string {
  const disk =
    file === undefined
      ? 'memory'
      : basename(file)
          .toLowerCase()
          .replace(/[^a-z0-9.-]+/g, '-')
          .replace(/^[-.]+/, '');
  return `iqn.2026-01.local.sangate:${disk || 'disk'}`;
}

function iscsiName(text: string): string {
  try {
    return parseIscsiName(text);
  } catch (error) {
    if (error instanceof ProtocolError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

const UNITS: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `512M`, `10G`: bytes, a multiple of 512. */
function size(text: string): number {
  const match = /^(\d{1,6}|\d{1,15}(?=$))([KMGT]?)i?B?$/i.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
  if (Number.isSafeInteger(bytes) && bytes > 0 && bytes % 512 === 0) return bytes;
  throw new InvalidArgumentError(
    'a size is a number and K, M, G or T, e.g. 512M, and a multiple of 512 bytes',
  );
}
