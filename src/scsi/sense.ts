/** Sense keys (SPC-5 §4.4.8). */
export const SenseKey = {
  noSense: 0x0,
  notReady: 0x2,
  mediumError: 0x3,
  hardwareError: 0x4,
  illegalRequest: 0x5,
  unitAttention: 0x6,
  dataProtect: 0x7,
  abortedCommand: 0xb,
  miscompare: 0xe,
} as const;

export type SenseKey = (typeof SenseKey)[keyof typeof SenseKey];

/** Additional sense: code in the high byte, qualifier in the low byte (SPC-5 annex F). */
export const AdditionalSense = {
  none: 0x0000,
  writeError: 0x0c00,
  invalidFieldInCommandInformationUnit: 0x0e03,
  unrecoveredReadError: 0x1100,
  parameterListLengthError: 0x1a00,
  miscompareDuringVerify: 0x1d00,
  invalidOperationCode: 0x2000,
  lbaOutOfRange: 0x2100,
  invalidFieldInCdb: 0x2400,
  logicalUnitNotSupported: 0x2500,
  invalidFieldInParameterList: 0x2600,
  invalidReleaseOfPersistentReservation: 0x2604,
  writeProtected: 0x2700,
  spaceAllocationFailedWriteProtect: 0x2707,
  busDeviceResetFunctionOccurred: 0x2903,
  reservationsPreempted: 0x2a03,
  reservationsReleased: 0x2a04,
  registrationsPreempted: 0x2a05,
  commandsClearedByAnotherInitiator: 0x2f00,
  savingParametersNotSupported: 0x3900,
  dataPhaseError: 0x4b00,
  insufficientRegistrationResources: 0x5504,
} as const;

export type AdditionalSense = (typeof AdditionalSense)[keyof typeof AdditionalSense];

const FIXED_LENGTH = 18;

export interface SenseDetail {
  /** INFORMATION, 32 bits: for a miscompare the byte offset of the first difference (SBC-4 §5.36). */
  readonly information?: number;
  /** The CDB byte in error, for ILLEGAL REQUEST (SPC-5 §4.4.2.4.2). */
  readonly cdbByte?: number;
}

/** Sense data for a current error in fixed format, 18 bytes (SPC-5 §4.4.3), without iSCSI's SenseLength in front. */
export function fixedSense(key: SenseKey, additional: AdditionalSense, detail: SenseDetail = {}): Buffer {
  const sense = Buffer.alloc(FIXED_LENGTH);
  sense[0] = 0x70;
  sense[2] = key;
  if (detail.information !== undefined) {
    sense[0] |= 0x80; // VALID
    sense.writeUInt32BE(detail.information, 3);
  }
  sense[7] = FIXED_LENGTH - 8;
  sense.writeUInt16BE(additional, 12);
  if (detail.cdbByte !== undefined) {
    sense[15] = 0xc0; // SKSV, C/D
    sense.writeUInt16BE(detail.cdbByte, 16);
  }
  return sense;
}

/** Fixed sense data as an operator would look it up: `05/25/00 illegalRequest, logicalUnitNotSupported`. */
export function describeSense(sense: Buffer): string {
  const key = sense[2]! & 0x0f;
  const additional = sense.readUInt16BE(12);
  const digits = [key, additional >>> 8, additional & 0xff].map((value) =>
    value.toString(16).toUpperCase().padStart(2, '0'),
  );
  const names = [nameOf(SenseKey, key), nameOf(AdditionalSense, additional)];
  return `${digits.join('/')} ${names.filter((name) => name !== undefined).join(', ')}`.trimEnd();
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string | undefined {
  return Object.keys(names).find((name) => names[name] === value);
}
