import { GATEWAY_ADMIN, parseAdminAddress, type AdminAddress } from '../../config/adminAddress.ts';
import { loadGatewayConfigWithoutSecrets } from '../../config/gatewayConfig.ts';
import { ValueError } from '../../config/problem.ts';
import { parseServerName } from '../../config/serverName.ts';
import { loadStubCredentials } from '../../tls/credentials.ts';
import type { AdminPeer } from './adminClient.ts';
import { ownServerName } from './ownServerName.ts';

/** Of every command that talks with a running gateway. */
export const ADMIN_OPTIONS = {
  admin: [
    '--admin <address>',
    `the gateway's admin listener: host:port or unix:path (default: ${GATEWAY_ADMIN})`,
  ],
  config: ['-c, --config <file>', "the gateway's configuration, which says where that is"],
  cert: ['--cert <file>', "an operator's certificate, where admin.tls is configured"],
  key: ['--key <file>', 'its private key'],
  ca: ['--ca <file>', "the authority that signed the gateway's certificate"],
  serverName: [
    '--server-name <name>',
    "the name in the gateway's certificate, if it is not the host (with --config: as its certificate says)",
  ],
} as const;

export interface AdminFlags {
  readonly admin?: string | undefined;
  readonly config?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly serverName?: string | undefined;
}

/** @throws ValueError, ConfigError, CredentialsError */
export async function adminPeer(flags: AdminFlags): Promise<AdminPeer> {
  const { admin, config, cert, key, ca, serverName } = flags;
  if (admin !== undefined && config !== undefined) {
    throw new ValueError('--admin and --config both say where the gateway is', 'give one of them');
  }
  const { address, certificate } = config === undefined ? fromFlag(admin) : fromFile(config);
  const peer = { address, isConfigured: config !== undefined };
  if (cert !== undefined && key !== undefined && ca !== undefined) {
    const expected = serverName === undefined ? undefined : parseServerName(serverName);
    const name = expected ?? (await ownName(address, certificate));
    const credentials = await loadStubCredentials({ cert, key, ca });
    return { ...peer, credentials, ...(name !== undefined && { serverName: name }) };
  }
  if (certificate !== undefined || [cert, key, ca, serverName].some((flag) => flag !== undefined)) {
    throw new ValueError(
      'TLS takes a certificate of an operator, its key, and the authority of the gateway',
      'give --cert, --key and --ca together',
    );
  }
  return peer;
}

interface Found {
  readonly address: AdminAddress;
  /** The file of the listener's, where it has TLS as far as is known. */
  readonly certificate?: string;
}

const fromFlag = (text = GATEWAY_ADMIN): Found => ({
  address: parseAdminAddress(text, { defaultPort: 9260, purpose: 'dial' }),
});

function fromFile(file: string): Found {
  const { admin } = loadGatewayConfigWithoutSecrets(file).config;
  if (admin === undefined) {
    throw new ValueError(`${file} turns the admin listener off`, 'give it an admin.address');
  }
  return { address: dialled(admin.address), ...(admin.tls && { certificate: admin.tls.cert }) };
}

async function ownName(address: AdminAddress, certificate: string | undefined): Promise<string | undefined> {
  if ('socket' in address || certificate === undefined) return undefined;
  return ownServerName(certificate, address.host);
}

/** A listener may take every address, or leave the port to the kernel. @throws ValueError */
function dialled(address: AdminAddress): AdminAddress {
  if ('socket' in address) return address;
  if (address.port === 0) {
    throw new ValueError(
      'with port 0 the kernel chooses the port',
      'say with --admin what the log says: "role":"admin"',
    );
  }
  const anyAddress: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { ...address, host: anyAddress[address.host] ?? address.host };
}
