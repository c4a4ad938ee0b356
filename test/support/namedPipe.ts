import { execFileSync } from 'node:child_process';

const MAKE_PIPE = 'mkfifo';

/** Makes a named pipe: whoever opens it waits for somebody at the other end. */
export function makePipe(path: string): void {
  execFileSync(MAKE_PIPE, [path]);
}
