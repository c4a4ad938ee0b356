import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { negotiateToFullFeature, passSecurity } from '../../src/initiator/logIn.ts';
import { FIRST_CMD_SN, newLogin, type InitiatorOptions } from '../../src/initiator/newLogin.ts';
import { SESSION_PREFERENCES, sessionOffers } from '../../src/initiator/sessionOffers.ts';
import { encodeLun } from '../../src/iscsi/lun.ts';
import { encodePdu } from '../../src/iscsi/pdu.ts';
import { serialAdd } from '../../src/iscsi/serialArithmetic.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { LOGIN_LIMITS } from '../../src/login/loginLimits.ts';
import type { NegotiatedParameters } from '../../src/login/negotiation.ts';
import { Secret } from '../../src/policy/secret.ts';
import { PduConnection } from '../../src/transport/pduConnection.ts';
import type { Disk } from '../support/tgtd.ts';

export interface RawLogin {
  readonly socket: Socket;
  readonly parameters: NegotiatedParameters;
  readonly numbers: { cmdSN: number; expStatSN: number; maxCmdSN: number };
}

/** Logs in with CHAP and without digests, and gives the bare socket, on which nothing is under way. */
export async function logInRaw(portal: string, disk: Disk): Promise<RawLogin> {
  const socket = await dial(portal);
  const connection = PduConnection.over(socket, LOGIN_LIMITS);
  const login = newLogin(initiatorOptions(disk), { sessionType: 'Normal', targetName: disk.target });
  await passSecurity(connection, login);
  const offers = sessionOffers(false);
  const { parameters } = await negotiateToFullFeature(connection, login, offers, SESSION_PREFERENCES);
  // A new session finds a unit attention, which this command takes away.
  const numbers = { initiatorTaskTag: 0, cmdSN: FIRST_CMD_SN, expStatSN: login.expStatSN };
  const lun = encodeLun(disk.lun);
  await connection.write(
    encodePdu('scsiCommand', { ...numbers, final: true, attributes: 1, lun, cdb: Buffer.alloc(16) }),
  );
  const answer = await connection.next();
  if (answer === undefined) throw new Error('the target closed the connection');
  const { statSN, maxCmdSN } = decodeBhs('scsiResponse', answer.bhs);
  if (connection.detach().length > 0) throw new Error('the target says more than it was asked');
  const next = { cmdSN: serialAdd(FIRST_CMD_SN, 1), expStatSN: serialAdd(statSN, 1), maxCmdSN };
  return { socket, parameters, numbers: next };
}

export async function dial(portal: string): Promise<Socket> {
  const { hostname: host, port } = new URL(`tcp://${portal}`);
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

export function initiatorOptions({ iqn, user, secret }: Disk): InitiatorOptions {
  const chap = { user, secret: new Secret(Buffer.from(secret)), algorithms: ['md5'] as const };
  return { initiatorName: iqn, chap };
}
