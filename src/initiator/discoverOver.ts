import type { Socket } from 'node:net';
import { MalformedRecords } from '../discovery/malformedRecords.ts';
import type { TargetRecord } from '../discovery/sendTargets.ts';
import { PduConnection } from '../transport/pduConnection.ts';
import { passSecurity } from './logIn.ts';
import { FIRST_CMD_SN, newLogin, type InitiatorOptions } from './newLogin.ts';
import { askForTargets, DISCOVERY_LIMITS } from './sendTargets.ts';

/**
 * Asks for all targets over a connected socket, and closes it.
 *
 * @throws Failure; ProtocolError; Redirected; the socket's error
 */
export async function discoverOver(socket: Socket, options: InitiatorOptions): Promise<TargetRecord[]> {
  const connection = PduConnection.over(socket, DISCOVERY_LIMITS);
  const login = newLogin(options, { sessionType: 'Discovery' });
  try {
    await passSecurity(connection, login);
    return await askForTargets(connection, login, FIRST_CMD_SN, new MalformedRecords());
  } finally {
    socket.end(() => socket.destroy());
  }
}
