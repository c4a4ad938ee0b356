/** Operation codes, named as in SPC-5 and SBC-4: those that the embedded target serves. */
export const OperationCode = {
  testUnitReady: 0x00,
  requestSense: 0x03,
  read6: 0x08,
  write6: 0x0a,
  inquiry: 0x12,
  modeSense6: 0x1a,
  startStopUnit: 0x1b,
  preventAllowMediumRemoval: 0x1e,
  readCapacity10: 0x25,
  read10: 0x28,
  write10: 0x2a,
  writeAndVerify10: 0x2e,
  verify10: 0x2f,
  prefetch10: 0x34,
  synchronizeCache10: 0x35,
  writeSame10: 0x41,
  unmap: 0x42,
  modeSense10: 0x5a,
  persistentReserveIn: 0x5e,
  persistentReserveOut: 0x5f,
  read16: 0x88,
  compareAndWrite: 0x89,
  write16: 0x8a,
  writeAndVerify16: 0x8e,
  verify16: 0x8f,
  prefetch16: 0x90,
  synchronizeCache16: 0x91,
  writeSame16: 0x93,
  serviceActionIn16: 0x9e,
  reportLuns: 0xa0,
  maintenanceIn: 0xa3,
  read12: 0xa8,
  write12: 0xaa,
  writeAndVerify12: 0xae,
  verify12: 0xaf,
} as const;

/** SERVICE ACTION IN(16) (SBC-4 §5.2). */
export const ServiceActionIn16 = { readCapacity16: 0x10 } as const;

/** MAINTENANCE IN (SPC-5 §6.5). */
export const MaintenanceIn = { reportSupportedOperationCodes: 0x0c } as const;

/** PERSISTENT RESERVE IN (SPC-5 §6.15). */
export const PersistentReserveIn = {
  readKeys: 0x00,
  readReservation: 0x01,
  reportCapabilities: 0x02,
  readFullStatus: 0x03,
} as const;

/** PERSISTENT RESERVE OUT (SPC-5 §6.16). */
export const PersistentReserveOut = {
  register: 0x00,
  reserve: 0x01,
  release: 0x02,
  clear: 0x03,
  preempt: 0x04,
  preemptAndAbort: 0x05,
  registerAndIgnoreExistingKey: 0x06,
} as const;
