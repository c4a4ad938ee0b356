/** One command that changes something on a target, as a CDB that a target could carry out. */
export interface WriteCommand {
  readonly name: string;
  readonly cdb: Buffer;
  /** What it takes along; null: nothing, whatever the command. */
  readonly parameters: Buffer | null;
}

const BLOCK = 512;

/**
 * All commands that change the medium, reservations or settings (SBC-4, SPC-5): each with parameters with which a target that knows
 * it does it, at the disk's beginning.
 */
export const WRITE_COMMANDS: readonly WriteCommand[] = [
  command('WRITE (6)', '0a 000000 01 00', blocks(1)),
  command('WRITE (10)', '2a 00 00000000 00 0001 00', blocks(1)),
  command('WRITE (12)', 'aa 00 00000000 00000001 00 00', blocks(1)),
  command('WRITE (16)', '8a 00 0000000000000000 00000001 00 00', blocks(1)),
  command('WRITE (32)', longCdb('000b'), blocks(1)),
  command('WRITE AND VERIFY (10)', '2e 00 00000000 00 0001 00', blocks(1)),
  command('WRITE AND VERIFY (12)', 'ae 00 00000000 00000001 00 00', blocks(1)),
  command('WRITE AND VERIFY (16)', '8e 00 0000000000000000 00000001 00 00', blocks(1)),
  command('WRITE AND VERIFY (32)', longCdb('000c'), blocks(1)),
  command('WRITE SAME (10)', '41 00 00000000 00 0001 00', blocks(1)),
  command('WRITE SAME (16)', '93 00 0000000000000000 00000001 00 00', blocks(1)),
  command('WRITE SAME (32)', longCdb('000d'), blocks(1)),
  command('WRITE LONG (10)', '3f 00 00000000 00 0200 00', blocks(1)),
  command('WRITE LONG (16)', '9f 11 0000000000000000 0000 0200 00 00', blocks(1)),
  command('COMPARE AND WRITE', '89 00 0000000000000000 000000 01 00 00', blocks(2)),
  command('ORWRITE (16)', '8b 00 0000000000000000 00000001 00 00', blocks(1)),
  command('WRITE ATOMIC (16)', '9c 00 0000000000000000 0000 0001 00 00', blocks(1)),
  command('XDWRITEREAD (10)', '53 00 00000000 00 0001 00', blocks(1)),
  command('XDWRITE (10)', '50 00 00000000 00 0001 00', blocks(1)),
  command('XPWRITE (10)', '51 00 00000000 00 0001 00', blocks(1)),
  command('XDWRITE (32)', longCdb('0004'), blocks(1)),
  command('XPWRITE (32)', longCdb('0006'), blocks(1)),
  command('XDWRITEREAD (32)', longCdb('0007'), blocks(1)),
  command('UPDATE BLOCK', '3d 00 00000000 00 0001 00', blocks(1)),
  command('FORMAT UNIT', '04 00 00 0000 00', null),
  command('REASSIGN BLOCKS', '07 00 000000 00', bytes('00000004 00000000')),
  command('ERASE (6)', '19 00 000000 00', null),
  command(
    'UNMAP',
    '42 00 00000000 00 0018 00',
    bytes('0016 0010 00000000 0000000000000000 00000001 00000000'),
  ),
  command('SANITIZE', '48 03 00000000 00 0000 00', null),
  command('ZBC OUT, RESET WRITE POINTER', '94 04 0000000000000000 00000000 00 00', null),
  command('CHANGE DEFINITION', '40 00 00 00 0000 0000 00 00', null),
  command('EXTENDED COPY', '83 00 0000000000000000 00000010 00 00', bytes('00'.repeat(16))),
  command('POPULATE TOKEN', '83 10 0000000000000000 00000010 00 00', bytes('00'.repeat(16))),
  command('COPY', '18 00 000010 00', bytes('00'.repeat(16))),
  command('COPY AND VERIFY', '3a 00 00 000010 00 00 00 00', bytes('00'.repeat(16))),
  command('WRITE BUFFER', '3b 02 00 000000 000200 00', blocks(1)),
  command('MODE SELECT (6)', '15 10 0000 10 00', bytes(`00000000 0a0a ${'00'.repeat(10)}`)),
  command('MODE SELECT (10)', '55 10 0000000000 0014 00', bytes(`0000000000000000 0a0a ${'00'.repeat(10)}`)),
  command('LOG SELECT', '4c 02 00 00000000 0000 00', null),
  command('SEND DIAGNOSTIC', '1d 04 00 0000 00', null),
  command('START STOP UNIT', '1b 00 0000 01 00', null),
  command('SET TARGET PORT GROUPS', 'a4 0a 00000000 00000008 00 00', bytes('00000000 00000001')),
  command('SECURITY PROTOCOL OUT', 'b5 00 0000 00 00 00000200 00 00', blocks(1)),
  command('WRITE ATTRIBUTE', '8d 00 0000000000000000 00000010 00 00', bytes('00'.repeat(16))),
  command('ACCESS CONTROL OUT', '87 00 0000000000000000 00000000 00 00', null),
  command('SERVICE ACTION OUT (12)', 'a9 1f 00000000 00000000 00 00', null),
  command('SERVICE ACTION BIDIRECTIONAL', '9d 1f 0000000000000000 00000000 00 00', null),
  command('ATA PASS-THROUGH (12)', 'a1 0a 06 00 01 00 00 00 00 35 00 00', blocks(1)),
  command('ATA PASS-THROUGH (16)', '85 0a 06 0000 0001 00 00 00 00 00 00 00 35 00', blocks(1)),
  command('vendor specific C0h', 'c0 00 00000000 00 0001 00', blocks(1)),
  command('vendor specific FFh', 'ff 00 00000000 00 0001 00', blocks(1)),
  command(
    'PERSISTENT RESERVE OUT',
    '5f 06 00 0000 00000018 00',
    bytes('0000000000000000 00000000000000ab 00000000 00 00 0000'),
  ),
  command('RESERVE (6)', '16 00 00 0000 00', null),
  command('RELEASE (6)', '17 00 00 0000 00', null),
  command('RESERVE (10)', '56 00 00 00000000 0000 00', null),
  command('RELEASE (10)', '57 00 00 00000000 0000 00', null),
];

/** The same command with a transfer length for so much data, where its CDB counts blocks; where it does not, as it is. */
export function sized({ cdb }: WriteCommand, length: number): Buffer {
  const { at, octets } = TRANSFER_LENGTH.get(cdb[0]!) ?? { at: 0, octets: 0 };
  const copy = Buffer.from(cdb);
  if (octets > 0) copy.writeUIntBE((length / BLOCK) % 256 ** octets, at, octets);
  return copy;
}

/** Where commands have their transfer length in blocks, by operation code. */
const TRANSFER_LENGTH: ReadonlyMap<number, { at: number; octets: number }> = new Map([
  [0x0a, { at: 4, octets: 1 }],
  ...[0x2a, 0x2e, 0x41].map((code) => [code, { at: 7, octets: 2 }] as const),
  ...[0xaa, 0xae].map((code) => [code, { at: 6, octets: 4 }] as const),
  ...[0x8a, 0x8b, 0x8e, 0x93].map((code) => [code, { at: 10, octets: 4 }] as const),
]);

function command(name: string, cdb: string, parameters: Buffer | null): WriteCommand {
  return { name, cdb: bytes(cdb), parameters };
}

/** A variable-length CDB of 32 bytes, for one block at the disk's beginning. */
function longCdb(serviceAction: string): string {
  return `7f 00 00000000 00 18 ${serviceAction} 00 00 0000000000000000 00000000 0000 0000 00000001`;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function blocks(count: number): Buffer {
  return Buffer.alloc(count * BLOCK, 0xc3);
}
