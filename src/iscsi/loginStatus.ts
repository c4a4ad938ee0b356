/** Login status: class in the high byte, detail in the low byte (RFC 7143 §11.13.5). */
export const LoginStatus = {
  success: 0x0000,
  targetMovedTemporarily: 0x0101,
  targetMovedPermanently: 0x0102,
  initiatorError: 0x0200,
  authenticationFailure: 0x0201,
  authorizationFailure: 0x0202,
  notFound: 0x0203,
  targetRemoved: 0x0204,
  unsupportedVersion: 0x0205,
  tooManyConnections: 0x0206,
  missingParameter: 0x0207,
  cannotIncludeInSession: 0x0208,
  sessionTypeNotSupported: 0x0209,
  sessionDoesNotExist: 0x020a,
  invalidDuringLogin: 0x020b,
  targetError: 0x0300,
  serviceUnavailable: 0x0301,
  outOfResources: 0x0302,
} as const;

/** A 16-bit login status. Statuses that RFC 7143 does not name may arrive from an array. */
export type LoginStatus = number;

/** The status as an operator would look it up: four hex digits and the name, e.g. `0203 notFound`. */
export function describeLoginStatus(status: LoginStatus): string {
  const name = Object.entries(LoginStatus).find(([, value]) => value === status)?.[0];
  const digits = status.toString(16).padStart(4, '0');
  return name === undefined ? digits : `${digits} ${name}`;
}
