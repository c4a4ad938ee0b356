/** An operation code, and the service action of those commands that have one. */
export interface CommandCode {
  readonly operationCode: number;
  readonly serviceAction?: number;
}

interface NamedCommand extends CommandCode {
  readonly name: string;
}

/** Commands by the names that SPC-5, SBC-4, SSC-4 and ZBC give them: those that commandClass.ts tells apart, and what belongs to them. */
export const NAMED_COMMANDS: readonly NamedCommand[] = [
  [0x00, 'TEST UNIT READY'],
  [0x03, 'REQUEST SENSE'],
  [0x04, 'FORMAT UNIT'],
  [0x07, 'REASSIGN BLOCKS'],
  [0x08, 'READ (6)'],
  [0x0a, 'WRITE (6)'],
  [0x12, 'INQUIRY'],
  [0x15, 'MODE SELECT (6)'],
  [0x16, 'RESERVE (6)'],
  [0x17, 'RELEASE (6)'],
  [0x18, 'COPY'],
  [0x19, 'ERASE (6)'],
  [0x1a, 'MODE SENSE (6)'],
  [0x1b, 'START STOP UNIT'],
  [0x1c, 'RECEIVE DIAGNOSTIC RESULTS'],
  [0x1d, 'SEND DIAGNOSTIC'],
  [0x1e, 'PREVENT ALLOW MEDIUM REMOVAL'],
  [0x25, 'READ CAPACITY (10)'],
  [0x28, 'READ (10)'],
  [0x2a, 'WRITE (10)'],
  [0x2c, 'ERASE (10)'],
  [0x2e, 'WRITE AND VERIFY (10)'],
  [0x2f, 'VERIFY (10)'],
  [0x34, 'PRE-FETCH (10)'],
  [0x35, 'SYNCHRONIZE CACHE (10)'],
  [0x37, 'READ DEFECT DATA (10)'],
  [0x39, 'COMPARE'],
  [0x3a, 'COPY AND VERIFY'],
  [0x3b, 'WRITE BUFFER'],
  [0x3c, 'READ BUFFER (10)'],
  [0x3d, 'UPDATE BLOCK'],
  [0x3e, 'READ LONG (10)'],
  [0x3f, 'WRITE LONG (10)'],
  [0x41, 'WRITE SAME (10)'],
  [0x42, 'UNMAP'],
  [0x48, 'SANITIZE'],
  [0x4c, 'LOG SELECT'],
  [0x4d, 'LOG SENSE'],
  [0x50, 'XDWRITE (10)'],
  [0x51, 'XPWRITE (10)'],
  [0x53, 'XDWRITEREAD (10)'],
  [0x55, 'MODE SELECT (10)'],
  [0x56, 'RESERVE (10)'],
  [0x57, 'RELEASE (10)'],
  [0x5a, 'MODE SENSE (10)'],
  [0x5e, 'PERSISTENT RESERVE IN'],
  [0x5f, 'PERSISTENT RESERVE OUT'],
  [0x7e, 'EXTENDED CDB'],
  [0x7f, 'XDREAD (32)', 0x0003],
  [0x7f, 'XDWRITE (32)', 0x0004],
  [0x7f, 'XPWRITE (32)', 0x0006],
  [0x7f, 'XDWRITEREAD (32)', 0x0007],
  [0x7f, 'READ (32)', 0x0009],
  [0x7f, 'VERIFY (32)', 0x000a],
  [0x7f, 'WRITE (32)', 0x000b],
  [0x7f, 'WRITE AND VERIFY (32)', 0x000c],
  [0x7f, 'WRITE SAME (32)', 0x000d],
  [0x83, 'EXTENDED COPY'],
  [0x83, 'POPULATE TOKEN', 0x10],
  [0x83, 'WRITE USING TOKEN', 0x11],
  [0x84, 'RECEIVE COPY RESULTS'],
  [0x85, 'ATA PASS-THROUGH (16)'],
  [0x88, 'READ (16)'],
  [0x89, 'COMPARE AND WRITE'],
  [0x8a, 'WRITE (16)'],
  [0x8b, 'ORWRITE (16)'],
  [0x8d, 'WRITE ATTRIBUTE'],
  [0x8e, 'WRITE AND VERIFY (16)'],
  [0x8f, 'VERIFY (16)'],
  [0x90, 'PRE-FETCH (16)'],
  [0x91, 'SYNCHRONIZE CACHE (16)'],
  [0x93, 'WRITE SAME (16)'],
  [0x94, 'ZBC OUT'],
  [0x95, 'ZBC IN'],
  [0x9c, 'WRITE ATOMIC (16)'],
  [0x9e, 'READ CAPACITY (16)', 0x10],
  [0x9e, 'READ LONG (16)', 0x11],
  [0x9e, 'GET LBA STATUS', 0x12],
  [0x9e, 'REPORT REFERRALS', 0x13],
  [0x9e, 'GET STREAM STATUS', 0x16],
  [0x9f, 'WRITE LONG (16)', 0x11],
  [0xa0, 'REPORT LUNS'],
  [0xa1, 'ATA PASS-THROUGH (12)'],
  [0xa2, 'SECURITY PROTOCOL IN'],
  [0xa3, 'REPORT IDENTIFYING INFORMATION', 0x05],
  [0xa3, 'REPORT TARGET PORT GROUPS', 0x0a],
  [0xa3, 'REPORT ALIASES', 0x0b],
  [0xa3, 'REPORT SUPPORTED OPERATION CODES', 0x0c],
  [0xa3, 'REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS', 0x0d],
  [0xa3, 'REPORT PRIORITY', 0x0e],
  [0xa3, 'REPORT TIMESTAMP', 0x0f],
  [0xa4, 'MAINTENANCE OUT'],
  [0xa4, 'SET TARGET PORT GROUPS', 0x0a],
  [0xa8, 'READ (12)'],
  [0xaa, 'WRITE (12)'],
  [0xac, 'ERASE (12)'],
  [0xae, 'WRITE AND VERIFY (12)'],
  [0xaf, 'VERIFY (12)'],
  [0xb5, 'SECURITY PROTOCOL OUT'],
  [0xb7, 'READ DEFECT DATA (12)'],
].map(named);

const VARIABLE_LENGTH = 0x7f;
/** Those whose service action makes the command. */
const WITH_SERVICE_ACTION: ReadonlySet<number> = new Set(
  NAMED_COMMANDS.flatMap(({ operationCode, serviceAction }) =>
    serviceAction === undefined ? [] : [operationCode],
  ),
);

/** The code of the command with its CDB at `bytes[at]`, of which 16 bytes are there. */
export function commandCodeAt(bytes: Uint8Array, at: number): CommandCode {
  const operationCode = bytes[at]!;
  if (!WITH_SERVICE_ACTION.has(operationCode)) return { operationCode };
  if (operationCode !== VARIABLE_LENGTH) return { operationCode, serviceAction: bytes[at + 1]! & 0x1f };
  return { operationCode, serviceAction: (bytes[at + 8]! << 8) | bytes[at + 9]! };
}

/** `WRITE (10) 2Ah`, `READ CAPACITY (16) 9Eh/10h`; the code alone for a command without a name here. */
export function describeCommand({ operationCode, serviceAction }: CommandCode): string {
  const ofCode = NAMED_COMMANDS.filter((command) => command.operationCode === operationCode);
  const exact = ofCode.find((command) => command.serviceAction === serviceAction);
  const name = (exact ?? ofCode.find((command) => command.serviceAction === undefined))?.name;
  const code = hex(operationCode) + (serviceAction === undefined ? '' : `/${hex(serviceAction)}`);
  return name === undefined ? code : `${name} ${code}`;
}

function named(row: (number | string)[]): NamedCommand {
  const [operationCode, name, serviceAction] = row as [number, string, number?];
  return { operationCode, name, ...(serviceAction !== undefined && { serviceAction }) };
}

function hex(value: number): string {
  return `${value.toString(16).toUpperCase().padStart(2, '0')}h`;
}
