/** Operation codes of RFC 7143 §11.2.1.2, without the immediate bit. */
export const Opcode = {
  nopOut: 0x00,
  scsiCommand: 0x01,
  taskManagementRequest: 0x02,
  loginRequest: 0x03,
  textRequest: 0x04,
  dataOut: 0x05,
  logoutRequest: 0x06,
  snackRequest: 0x10,
  nopIn: 0x20,
  scsiResponse: 0x21,
  taskManagementResponse: 0x22,
  loginResponse: 0x23,
  textResponse: 0x24,
  dataIn: 0x25,
  logoutResponse: 0x26,
  r2t: 0x31,
  asyncMessage: 0x32,
  reject: 0x3f,
} as const;

const NAMES = new Map<number, string>(Object.entries(Opcode).map(([name, code]) => [code, name]));

/** The opcode as an operator would look it up, e.g. `0x04 textRequest`. */
export function describeOpcode(opcode: number): string {
  const digits = `0x${opcode.toString(16).padStart(2, '0')}`;
  const name = NAMES.get(opcode);
  return name === undefined ? digits : `${digits} ${name}`;
}
