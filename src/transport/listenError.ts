import { formatPortal } from '../iscsi/targetAddress.ts';

/** As Node throws it when a server can't listen. */
interface ListenError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  /** The name that can't be resolved. */
  readonly hostname?: string;
}

/** Says where a server could not listen, why, and what to do; undefined for any other error. */
export function describeListenError(error: ListenError): string | undefined {
  if (error.syscall === 'getaddrinfo') {
    return `cannot listen at ${error.hostname}: the name cannot be resolved (${error.code}) — write an address of this machine`;
  }
  if (error.syscall !== 'listen') return undefined;
  const where =
    error.port === undefined ? error.address : formatPortal({ host: error.address!, port: error.port });
  const [why, what] = REASONS[error.code ?? ''] ?? [error.code, 'choose another address or port'];
  return `cannot listen at ${where}: ${why} — ${what}`;
}

const REASONS: Record<string, readonly [why: string, what: string]> = {
  EADDRINUSE: ['another program listens there', 'stop it, or choose another port'],
  EACCES: [
    'this user may not',
    'choose a port from 1024, or give the program the capability CAP_NET_BIND_SERVICE',
  ],
  EADDRNOTAVAIL: ['this machine has no such address', 'choose one of its own; `ip address` lists them'],
};
