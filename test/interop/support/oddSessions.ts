import { opcodeAt, RESERVED_TAG } from '../../../src/iscsi/bhs.ts';
import { encodeLun } from '../../../src/iscsi/lun.ts';
import { Opcode } from '../../../src/iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../../../src/iscsi/pdu.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import type { PduConnection } from '../../../src/transport/pduConnection.ts';
import { openSession, type Dial } from './openSession.ts';
import type { Disk } from './qemu.ts';
import type { Resources } from './resources.ts';

const IMMEDIATE = { immediate: true, final: true, cmdSN: 1 };
const PING = { ...IMMEDIATE, initiatorTaskTag: 1, targetTransferTag: RESERVED_TAG };

/** Asks for the end of a task that there is not, and for an answer with a NOP-Out. */
export async function abortAndPing(opened: Resources, disk: Disk, dial: Dial): Promise<void> {
  const { connection, expStatSN } = await openSession(opened, disk, dial);
  const task = { function: TaskFunction.abortTask, lun: encodeLun(disk.lun ?? 1), referencedTaskTag: 0x5a5a };
  const numbers = { initiatorTaskTag: 2, refCmdSN: 1, expStatSN };
  await connection.write(encodePdu('taskManagementRequest', { ...IMMEDIATE, ...task, ...numbers }));
  await answer(connection, Opcode.taskManagementResponse);
  await connection.write(encodePdu('nopOut', { ...PING, expStatSN: expStatSN + 1 }));
  await answer(connection, Opcode.nopIn);
}

/** Sends a PDU whose header digest is wrong, after which nobody can know where the next one begins: waits for the connection's end. */
export async function damagedHeader(opened: Resources, disk: Disk, dial: Dial): Promise<void> {
  const withDigest = { ...disk, headerDigest: 'crc32c' } as const;
  const { connection, parameters, expStatSN } = await openSession(opened, withDigest, dial);
  if (!parameters.digests.header) throw new Error('the target has refused header digests');
  const ping = encodePdu('nopOut', { ...PING, expStatSN }, Buffer.alloc(0), parameters.digests);
  ping[ping.length - 1]! ^= 0xff;
  await connection.write(ping);
  while ((await connection.next()) !== undefined);
}

async function answer(connection: PduConnection, opcode: number): Promise<Pdu> {
  const pdu = await connection.next();
  if (pdu !== undefined && opcodeAt(pdu.bhs, 0) === opcode) return pdu;
  throw new Error(`opcode ${opcode} was to come, and there came ${pdu && opcodeAt(pdu.bhs, 0)}`);
}
