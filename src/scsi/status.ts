/** Status codes that this target returns or a proxy meets (SAM-5 §5.3.1). */
export const ScsiStatus = {
  good: 0x00,
  checkCondition: 0x02,
  conditionMet: 0x04,
  busy: 0x08,
  reservationConflict: 0x18,
  taskSetFull: 0x28,
  acaActive: 0x30,
  taskAborted: 0x40,
} as const;

export type ScsiStatus = (typeof ScsiStatus)[keyof typeof ScsiStatus];

/** As SAM-5 writes it: `CHECK CONDITION`; the code of one that is none of these. */
export function describeStatus(status: number): string {
  const name = Object.entries(ScsiStatus).find(([, code]) => code === status)?.[0];
  if (name === undefined) return `status ${status.toString(16).toUpperCase().padStart(2, '0')}h`;
  return name.replaceAll(/[A-Z]/g, ' $&').toUpperCase();
}
