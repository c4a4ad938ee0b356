import { fork } from 'node:child_process';
import { processLink } from './processLink.ts';
import type { WorkerProcess } from './supervisor.ts';

/** Of the environment, what Node itself goes by. The rest may hold secrets, and a worker gets those that it needs in a message. */
const HANDED_ON = /^(NODE_|UV_|LC_|SSL_CERT_|OPENSSL_|LANG$|TZ$|PATH$|SystemRoot$)/i;

/**
 * Starts a worker in a process of its own, from the file behind `entry`, with nothing in its command line but what it is.
 *
 * @param role `gateway` or `stub`
 * @param number from 1
 */
export function forkWorker(entry: URL, role: string, number: number): WorkerProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => HANDED_ON.test(name)));
  const child = fork(entry, [role, String(number)], {
    env,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message)); // it could not be started, or not be ended
    child.once('exit', (code, signal) => {
      const how = signal ?? `exit code ${code}`;
      if (child.connected)
        child.once('disconnect', () => resolve(how)); // what it said last is still to come
      else resolve(how);
    });
  });
  return {
    pid: child.pid ?? 0,
    link: processLink(child),
    kill: () => void child.kill('SIGKILL'),
    ended,
  };
}
