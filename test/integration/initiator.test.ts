import { once } from 'node:events';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { InitiatorSession } from '../../src/initiator/initiatorSession.ts';
import { opcodeAt } from '../../src/iscsi/bhs.ts';
import { decodeBhs, type PduFields, type PduKind } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../../src/iscsi/pdu.ts';
import { DB1, DISK1 } from '../support/loginPdus.ts';
import { ScriptedTarget, type TargetConnection } from '../support/scriptedTarget.ts';

const TEST_UNIT_READY = { lun: 0, cdb: Buffer.of(0) };
const READ_512 = { lun: 0, cdb: Buffer.from('28000000000000000100', 'hex'), readLength: 512 };
const WRITE_1024 = {
  lun: 0,
  cdb: Buffer.from('2a000000000000000200', 'hex'),
  dataOut: Buffer.alloc(1024, 7),
};

/** A session on a target that answers SCSI Commands as the test says. */
async function sessionOn(
  onCommand: (connection: TargetConnection, command: PduFields<'scsiCommand'>, pdu: Pdu) => boolean,
): Promise<InitiatorSession> {
  const target = await ScriptedTarget.start({
    script: (pdu, connection) =>
      opcodeAt(pdu.bhs, 0) === Opcode.scsiCommand &&
      onCommand(connection, decodeBhs('scsiCommand', pdu.bhs), pdu),
  });
  onTestFinished(() => target.close());
  const socket = net.connect(target.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return InitiatorSession.open(socket, DISK1, { initiatorName: DB1 });
}

/** As above, where every command is answered with one PDU. */
function answering<K extends PduKind>(
  kind: K,
  fields: (command: PduFields<'scsiCommand'>) => Partial<PduFields<K>>,
  data?: Buffer,
): Promise<InitiatorSession> {
  return sessionOn((connection, command) => {
    const { initiatorTaskTag, cmdSN } = command;
    const numbers = { expCmdSN: cmdSN + 1, maxCmdSN: cmdSN + 16 };
    const all = { final: true, initiatorTaskTag, ...numbers, ...fields(command) } as Partial<PduFields<K>>;
    connection.send(encodePdu(kind, all, data));
    return true;
  });
}

test('a target that closes fails the commands under way and those to come', async () => {
  const session = await sessionOn((connection) => {
    connection.socket.end();
    return true;
  });
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow('the target closed the connection');
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow('the target closed the connection');
  await session.logout();
});

test('a target that resets the connection fails the commands under way', async () => {
  const session = await sessionOn((connection) => {
    connection.socket.resetAndDestroy();
    return true;
  });
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow(/ECONNRESET|closed the connection/);
});

test('junk from the target fails the commands under way', async () => {
  const session = await sessionOn((connection) => {
    connection.send(Buffer.alloc(64, 0xff));
    return true;
  });
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow(/at most/);
});

test('commands that wait for the window fail too when the target closes', async () => {
  const session = await sessionOn((connection) => {
    if (connection.received.length > 18) connection.socket.end();
    return true;
  });
  const commands = Array.from({ length: 40 }, () => session.execute(TEST_UNIT_READY));
  const results = await Promise.allSettled(commands);
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
});

test('no more commands are sent than the window lets through, and the rest follow as it opens', async () => {
  const sent: number[] = [];
  let widest = 0;
  const session = await sessionOn((connection, { cmdSN }) => {
    sent.push(cmdSN);
    widest = Math.max(widest, cmdSN);
    // all that the window lets through has come: 17 numbers, for the target told the 16 after the first
    if (sent.length === 17) setImmediate(() => answerAll(connection));
    return sent.length <= 17;
  });
  const answerAll = (connection: TargetConnection): void => {
    expect(widest).toBe(17);
    for (const pdu of connection.received) {
      if (opcodeAt(pdu.bhs, 0) === Opcode.scsiCommand) connection.answer(pdu);
    }
  };
  const results = await Promise.all(Array.from({ length: 40 }, () => session.execute(TEST_UNIT_READY)));
  expect(results.length).toBe(40);
  expect(sent).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test.each([
  ['beyond the data', { bufferOffset: 512, desiredDataTransferLength: 1024 }],
  ['of no bytes', { bufferOffset: 0, desiredDataTransferLength: 0 }],
])('an R2T %s is refused', async (_what, fields) => {
  const session = await answering('r2t', () => fields);
  await expect(session.execute(WRITE_1024)).rejects.toThrow('asks for data that there is not');
});

test.each([
  ['what came with the command', 0, 512],
  ['the end before the rest', 66048, 512],
])('an R2T for %s is refused', async (_what, bufferOffset, desiredDataTransferLength) => {
  const cdb = Buffer.from('2a000000000000008200', 'hex');
  const dataOut = Buffer.alloc(130 * 512); // a first burst goes with the command, 1024 bytes wait for an R2T
  const session = await answering('r2t', () => ({ bufferOffset, desiredDataTransferLength }));
  await expect(session.execute({ lun: 0, cdb, dataOut })).rejects.toThrow('out of order, or twice');
});

test('an R2T for a command that writes nothing is refused', async () => {
  const session = await answering('r2t', () => ({ desiredDataTransferLength: 512 }));
  await expect(session.execute(READ_512)).rejects.toThrow('asks for data that there is not');
});

test.each([
  ['beyond what was asked for', {}, 516],
  ['out of order', { bufferOffset: 256 }, 256],
  ['for a command that is not under way', { initiatorTaskTag: 4711 }, 512],
])('Data-In %s is refused', async (_what, fields, length) => {
  const session = await answering('dataIn', () => fields, Buffer.alloc(length));
  await expect(session.execute(READ_512)).rejects.toThrow('the target sent data');
});

test('a read that gives less than was asked for is as short as that, not filled up with zeros', async () => {
  const fields = { hasStatus: true, underflow: true, residualCount: 412 };
  const session = await answering('dataIn', () => fields, Buffer.alloc(100, 7));
  const { data } = await session.execute(READ_512);
  expect(data).toEqual(Buffer.alloc(100, 7));
});

test('a response of "target failure" is a failure, though the status field says GOOD', async () => {
  const session = await answering('scsiResponse', () => ({ response: 1, status: 0 }));
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow('iSCSI response 0x01');
});

test('a response for a command that is not under way fails the session', async () => {
  const session = await answering('scsiResponse', () => ({ initiatorTaskTag: 4711 }));
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow('not under way');
});

test('sense data comes without its length, and not more of it than there is', async () => {
  const session = await answering(
    'scsiResponse',
    () => ({ status: 2 }),
    Buffer.concat([Buffer.of(0, 18), Buffer.alloc(18, 7)]),
  );
  const result = await session.execute(TEST_UNIT_READY);
  expect([result.status, result.sense]).toEqual([2, Buffer.alloc(18, 7)]);
});

test('a Reject fails the session with its reason', async () => {
  const session = await answering('reject', () => ({ reason: 5 }), Buffer.alloc(48));
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow('rejects a PDU: reason 0x05');
});

test('a PDU that no target may send fails the session and is named', async () => {
  const session = await sessionOn((connection) => {
    connection.send(encodePdu('scsiCommand', {}));
    return true;
  });
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow('the target sent 0x01 scsiCommand');
});

test('a ping of the target is answered', async () => {
  const session = await sessionOn((connection, { cmdSN }) => {
    const fields = { initiatorTaskTag: 0xffffffff, targetTransferTag: 99, maxCmdSN: cmdSN + 16 };
    connection.send(encodePdu('nopIn', { final: true, ...fields }));
    return false;
  });
  await session.execute(TEST_UNIT_READY);
  await session.ping();
});

test('a CDB of more than 16 bytes is refused before it takes a number', async () => {
  const session = await sessionOn(() => false);
  expect(() => session.execute({ lun: 0, cdb: Buffer.alloc(17) })).toThrow(RangeError);
  expect((await session.execute(TEST_UNIT_READY)).status).toBe(0);
});

test('a session that is logged out takes no more commands', async () => {
  const session = await sessionOn(() => false);
  await session.logout();
  await expect(session.execute(TEST_UNIT_READY)).rejects.toThrow('logged out');
});
