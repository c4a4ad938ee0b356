import { lstat, stat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

/** What the shortest of the systems' `sun_path` holds, less the zero at its end; bytes. */
const MAX_PATH = 103;
/** Of a file with 0660: owner and group may connect. */
const UMASK = 0o117;

/**
 * Starts a server at a unix socket that its owner and group may use, in place of one that a dead process left behind. The file goes
 * when the server closes.
 *
 * @returns the path
 * @throws an Error that names the path and says what to do
 */
export async function listenAtSocket(server: Server, path: string): Promise<string> {
  if (Buffer.byteLength(path) > MAX_PATH) {
    throw new Error(at(path, `the path has more than ${MAX_PATH} bytes`, 'choose a shorter one'));
  }
  try {
    await stat(dirname(path)); // bind would say EACCES of a folder that is not there
    await removeStale(path);
    await start(server, path);
  } catch (error) {
    throw explained(path, error as NodeJS.ErrnoException);
  }
  return path;
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw Object.assign(new Error('not a socket'), { code: 'ENOTSOCK' });
  const code = (await probe(path)) ?? 'EADDRINUSE';
  if (code !== 'ECONNREFUSED') throw Object.assign(new Error('in use'), { code });
  await unlink(path);
}

/** The error code of connecting; undefined if somebody answers. */
function probe(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
  });
}

function start(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Not chmod afterwards: in between, others could have connected.
    const umask = process.umask(UMASK);
    try {
      server.listen({ path }, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

function explained(path: string, error: { readonly code?: string | undefined }): Error {
  const [why, what] = REASONS[error.code ?? ''] ?? [error.code ?? 'unknown reason', 'choose another path'];
  return new Error(at(path, why, what), { cause: error });
}

const REASONS: Record<string, readonly [why: string, what: string]> = {
  EADDRINUSE: ['another program listens there', 'stop it, or choose another path'],
  ENOTSOCK: ['there is a file that is no socket', 'remove it, or choose another path'],
  EACCES: [
    'this user may not',
    'let the folder, or the socket that is there, belong to the user who runs sangate',
  ],
  ENOENT: ['there is no such folder', 'make it; RuntimeDirectory= does in a systemd unit'],
};

const at = (path: string, why: string, what: string): string =>
  `cannot listen at unix:${path}: ${why} — ${what}`;
