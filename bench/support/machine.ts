import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Resources } from '../../test/interop/support/resources.ts';
import { run } from './program.ts';

/** Load that is not ours and that would show in the figures. */
const BUSY = 0.3;

/** What the figures were made on, name and value. */
export async function describeMachine(opened: Resources): Promise<Record<string, string>> {
  const dpkg = (name: string): Promise<string> => packageVersion(opened, name);
  const [cpu] = os.cpus();
  return {
    processor: `${os.cpus().length} × ${cpu?.model ?? 'unknown'}`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    Node: `${process.version}, OpenSSL ${process.versions.openssl}`,
    stunnel: await dpkg('stunnel4'),
    HAProxy: await dpkg('haproxy'),
    'OpenSSL of both': await dpkg('libssl3'),
    tgt: await dpkg('tgt'),
    libiscsi: await dpkg('libiscsi-bin'),
    'load before': loadAverage().toFixed(2),
  };
}

export function isBusy(): boolean {
  return loadAverage() > BUSY * os.cpus().length;
}

/** Of the last minute. */
function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]);
}

async function packageVersion(opened: Resources, name: string): Promise<string> {
  const [version] = await run(opened, 'dpkg-query', ['-W', '-f', '${Version}\n', name]);
  return version!;
}
