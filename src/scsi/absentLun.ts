/** Peripheral qualifier 011b, device type 1Fh: no logical unit can be here (SPC-5 §6.7.2). */
const ABSENT = 0x7f;
const SPC_4 = 0x06;
const RESPONSE_DATA_FORMAT = 0x02;

/** Standard INQUIRY data of a LUN at which there is nothing, 36 bytes. */
export function absentLunInquiry(): Buffer {
  const data = Buffer.alloc(36);
  data[0] = ABSENT;
  data[2] = SPC_4;
  data[3] = RESPONSE_DATA_FORMAT;
  data[4] = data.length - 5;
  return data;
}
