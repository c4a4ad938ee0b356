import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { negotiateToFullFeature, passSecurity } from '../../../src/initiator/logIn.ts';
import { newLogin } from '../../../src/initiator/newLogin.ts';
import { SESSION_LIMITS, SESSION_PREFERENCES, sessionOffers } from '../../../src/initiator/sessionOffers.ts';
import { LOGIN_LIMITS } from '../../../src/login/loginLimits.ts';
import type { NegotiatedParameters } from '../../../src/login/negotiation.ts';
import { PduConnection } from '../../../src/transport/pduConnection.ts';
import type { Disk } from './qemu.ts';
import type { Resources } from './resources.ts';

const MEBIBYTE = 1024 * 1024;

/** What a target has to be told (tgtadm) so that 1 MiB may go every path. */
export const WIDE_OPEN = {
  InitialR2T: 'No',
  ImmediateData: 'Yes',
  FirstBurstLength: String(MEBIBYTE),
  MaxBurstLength: String(MEBIBYTE),
  MaxRecvDataSegmentLength: String(MEBIBYTE),
};

/** The same where a write of 1 MiB goes partly unsolicited, partly by R2T, and headers have digests. */
export const EVERY_PATH = { ...WIDE_OPEN, FirstBurstLength: '65536', HeaderDigest: 'CRC32C' };

/** Opens a connection to a portal. */
export type Dial = (portal: string) => Promise<Socket>;

export interface OpenSession {
  readonly connection: PduConnection;
  readonly parameters: NegotiatedParameters;
  readonly maxCmdSN: number;
  readonly expStatSN: number;
}

/** Logs in for a Normal session, which a test then speaks PDU by PDU. */
export async function openSession(
  opened: Resources,
  { portal, target, iqn, headerDigest = 'none' }: Disk,
  dial: Dial = dialTcp,
): Promise<OpenSession> {
  const socket = await dial(portal);
  opened.defer(() => void socket.destroy());
  const connection = PduConnection.over(socket, LOGIN_LIMITS);
  const login = newLogin({ initiatorName: iqn }, { sessionType: 'Normal', targetName: target });
  const wanted = { ...WIDE_OPEN, HeaderDigest: headerDigest === 'crc32c' ? 'CRC32C' : 'None' };
  const offers = new Map([...sessionOffers(false), ...Object.entries(wanted)]);
  await passSecurity(connection, login);
  const { parameters, maxCmdSN } = await negotiateToFullFeature(
    connection,
    login,
    [...offers],
    SESSION_PREFERENCES,
  );
  const limits = { ...SESSION_LIMITS, maxDataSegmentLength: MEBIBYTE };
  connection.configure({ digests: parameters.digests, limits });
  return { connection, parameters, maxCmdSN, expStatSN: login.expStatSN };
}

async function dialTcp(portal: string): Promise<Socket> {
  const { hostname: host, port } = new URL(`tcp://${portal}`);
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}
