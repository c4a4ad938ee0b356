import { resolve } from 'node:path';
import type { z } from 'zod';
import type { AdminAddress } from './adminAddress.ts';
import type { admin } from './fields.ts';

export interface AdminConfig {
  /** The path of a unix socket is absolute. */
  readonly address: AdminAddress;
  /** Absolute paths of PEM files; absent: plain HTTP. */
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
    /** The authority of operators. */
    readonly clientCa: string;
    readonly crl?: string;
  };
}

type Written = Exclude<z.output<ReturnType<typeof admin>>, false>;

/** @param directory against which relative paths are resolved */
export function buildAdmin({ address, tls }: Written, directory: string): AdminConfig {
  return {
    address: 'socket' in address ? { socket: resolve(directory, address.socket) } : address,
    ...(tls !== undefined && {
      tls: {
        cert: resolve(directory, tls.cert),
        key: resolve(directory, tls.key),
        clientCa: resolve(directory, tls.clientCa),
        ...(tls.crl !== undefined && { crl: resolve(directory, tls.crl) }),
      },
    }),
  };
}
