/**
 * What a command does, by operation code and service action and never by what the PDU's R and W bits say
 * (SPC-5, SBC-4, SSC-4, ZBC).
 */
export type Effect =
  /** Changes nothing that anybody else can see; also what reading and unmounting need. */
  | 'harmless'
  /** Changes the medium. */
  | 'write'
  /** Takes, gives back or breaks a reservation. */
  | 'reserve'
  /** Changes settings or power state. */
  | 'configure'
  /** Not in the table. */
  | 'unknown';

/** Commands that are refused unless the configuration allows them by this name, also where writing is allowed. */
export const DANGEROUS_COMMANDS = [
  'format',
  'sanitize',
  'reassign',
  'erase',
  'extended-copy',
  'write-buffer',
  'security-protocol',
  'pass-through',
  'vendor',
] as const;

export type DangerousCommand = (typeof DANGEROUS_COMMANDS)[number];

export interface CommandClass {
  readonly effect: Effect;
  readonly danger: DangerousCommand | undefined;
  /** It is REPORT LUNS. */
  readonly listsLuns: true | undefined;
}

const HARMLESS = commandClass('harmless');
const WRITE = commandClass('write');
const RESERVE = commandClass('reserve');
const CONFIGURE = commandClass('configure');
const UNKNOWN = commandClass('unknown');
const VENDOR = commandClass('unknown', 'vendor');
const LISTS_LUNS: CommandClass = { ...HARMLESS, listsLuns: true };

const VARIABLE_LENGTH = 0x7f;
const FIRST_VENDOR_SPECIFIC = 0xc0;

/** An array, for it is asked at every command. */
const BY_OPERATION_CODE = byOperationCode(
  table([
    [
      HARMLESS,
      0x00, // TEST UNIT READY
      0x03, // REQUEST SENSE
      0x08, // READ (6)
      0x12, // INQUIRY
      0x1a, // MODE SENSE (6)
      0x1c, // RECEIVE DIAGNOSTIC RESULTS
      0x1e, // PREVENT ALLOW MEDIUM REMOVAL
      0x25, // READ CAPACITY (10)
      0x28, // READ (10)
      0x2f, // VERIFY (10)
      0x34, // PRE-FETCH (10)
      0x35, // SYNCHRONIZE CACHE (10): without it nothing can be unmounted
      0x37, // READ DEFECT DATA (10)
      0x3c, // READ BUFFER (10)
      0x3e, // READ LONG (10)
      0x4d, // LOG SENSE
      0x5a, // MODE SENSE (10)
      0x5e, // PERSISTENT RESERVE IN
      0x84, // RECEIVE COPY RESULTS
      0x88, // READ (16)
      0x8f, // VERIFY (16)
      0x90, // PRE-FETCH (16)
      0x91, // SYNCHRONIZE CACHE (16)
      0x95, // ZBC IN
      0xa2, // SECURITY PROTOCOL IN
      0xa8, // READ (12)
      0xaf, // VERIFY (12)
      0xb7, // READ DEFECT DATA (12)
    ],
    [LISTS_LUNS, 0xa0], // REPORT LUNS
    [
      WRITE,
      0x0a, // WRITE (6)
      0x2a, // WRITE (10)
      0x2e, // WRITE AND VERIFY (10)
      0x3d, // UPDATE BLOCK
      0x3f, // WRITE LONG (10)
      0x41, // WRITE SAME (10)
      0x42, // UNMAP
      0x50, // XDWRITE (10)
      0x51, // XPWRITE (10)
      0x53, // XDWRITEREAD (10)
      0x89, // COMPARE AND WRITE
      0x8a, // WRITE (16)
      0x8b, // ORWRITE (16)
      0x8e, // WRITE AND VERIFY (16)
      0x93, // WRITE SAME (16)
      0x94, // ZBC OUT
      0x9c, // WRITE ATOMIC (16)
      0xaa, // WRITE (12)
      0xae, // WRITE AND VERIFY (12)
    ],
    [
      RESERVE,
      0x16, // RESERVE (6)
      0x17, // RELEASE (6)
      0x56, // RESERVE (10)
      0x57, // RELEASE (10)
      0x5f, // PERSISTENT RESERVE OUT
    ],
    [
      CONFIGURE,
      0x15, // MODE SELECT (6)
      0x1b, // START STOP UNIT
      0x1d, // SEND DIAGNOSTIC
      0x4c, // LOG SELECT
      0x55, // MODE SELECT (10)
      0x8d, // WRITE ATTRIBUTE
      0xa4, // MAINTENANCE OUT: SET TARGET PORT GROUPS and its like
    ],
    [danger('format'), 0x04],
    [danger('reassign'), 0x07],
    [danger('erase'), 0x19, 0x2c, 0xac],
    [danger('sanitize'), 0x48],
    [danger('extended-copy'), 0x18, 0x39, 0x3a, 0x83], // COPY, COMPARE, COPY AND VERIFY, EXTENDED COPY and tokens
    [danger('write-buffer'), 0x3b],
    [danger('security-protocol'), 0xb5],
    [danger('pass-through'), 0x7e, 0x85, 0xa1], // extended CDB, ATA PASS-THROUGH (16) and (12)
  ]),
);

/** Operation codes that say nothing without their service action: byte 1, or bytes 8 and 9 of a variable-length CDB. */
const BY_SERVICE_ACTION: ReadonlyMap<number, ReadonlyMap<number, CommandClass>> = new Map([
  // READ, VERIFY, WRITE, WRITE AND VERIFY, WRITE SAME, XDREAD, XDWRITE, XDWRITEREAD, XPWRITE (32)
  [
    VARIABLE_LENGTH,
    table([
      [HARMLESS, 0x0009, 0x000a],
      [WRITE, 0x0003, 0x0004, 0x0006, 0x0007, 0x000b, 0x000c, 0x000d],
    ]),
  ],
  // READ CAPACITY, READ LONG, GET LBA STATUS, REPORT REFERRALS, GET STREAM STATUS (16)
  [0x9e, table([[HARMLESS, 0x10, 0x11, 0x12, 0x13, 0x16]])],
  [0x9f, table([[WRITE, 0x11]])], // WRITE LONG (16)
  // MAINTENANCE IN: REPORT TARGET PORT GROUPS, SUPPORTED OPERATION CODES, SUPPORTED TMFS, TIMESTAMP and their like
  [0xa3, table([[HARMLESS, 0x05, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f]])],
]);

/**
 * Classifies the CDB at `bytes[at]`, of which at least 16 bytes are there.
 * A code or a service action that is not in the tables is `unknown`; C0h–FFh belong to vendors.
 */
export function classifyCommand(bytes: Uint8Array, at: number): CommandClass {
  const operationCode = bytes[at]!;
  const plain = BY_OPERATION_CODE[operationCode];
  if (plain !== undefined) return plain;
  if (operationCode >= FIRST_VENDOR_SPECIFIC) return VENDOR;
  const serviceAction =
    operationCode === VARIABLE_LENGTH ? (bytes[at + 8]! << 8) | bytes[at + 9]! : bytes[at + 1]! & 0x1f;
  return BY_SERVICE_ACTION.get(operationCode)?.get(serviceAction) ?? UNKNOWN;
}

/** All of one shape, which is what makes looking at them cheap. */
function commandClass(effect: Effect, danger?: DangerousCommand): CommandClass {
  return { effect, danger, listsLuns: undefined };
}

function danger(name: DangerousCommand): CommandClass {
  return commandClass('write', name);
}

function byOperationCode(classes: ReadonlyMap<number, CommandClass>): readonly (CommandClass | undefined)[] {
  return Array.from({ length: 256 }, (_, operationCode) => classes.get(operationCode));
}

function table(rows: readonly (readonly [CommandClass, ...number[]])[]): ReadonlyMap<number, CommandClass> {
  return new Map(rows.flatMap(([row, ...codes]) => codes.map((code) => [code, row] as const)));
}
