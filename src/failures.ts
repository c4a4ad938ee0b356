import { describeLoginStatus, LoginStatus } from './iscsi/loginStatus.ts';
import { ProtocolError } from './iscsi/protocolError.ts';

/** What the peer gets: the status in a Login Response, or nothing but the connection's end. */
type Wire = LoginStatus | 'close';

/** Before iSCSI: the TLS handshake. */
const HANDSHAKE = {
  not_tls: 'close',
  tls_handshake: 'close',
  no_cert: 'close',
  unknown_ca: 'close',
  expired_cert: 'close',
  revoked_cert: 'close',
  bad_cert: 'close',
} as const satisfies Record<string, Wire>;

const LOGIN = {
  proxy_header: 'close',
  not_iscsi: 'close',
  login_timeout: 'close',
  peer_closed: 'close',
  protocol_error: LoginStatus.initiatorError,
  missing_parameter: LoginStatus.missingParameter,
  unsupported_version: LoginStatus.unsupportedVersion,
  invalid_during_login: LoginStatus.invalidDuringLogin,
  session_does_not_exist: LoginStatus.sessionDoesNotExist,
  session_type: LoginStatus.sessionTypeNotSupported,
  auth_method: LoginStatus.authenticationFailure,
  chap: LoginStatus.authenticationFailure,
  // policy; a denied peer learns nothing (SECURITY.md)
  unknown_initiator: LoginStatus.authorizationFailure,
  iqn_mismatch: LoginStatus.authorizationFailure,
  address_denied: LoginStatus.authorizationFailure,
  acl_denied: LoginStatus.notFound,
  duplicate_initiator: LoginStatus.authorizationFailure,
  too_many_sessions: LoginStatus.outOfResources,
  // the array
  backend_down: LoginStatus.serviceUnavailable,
  backend_auth: LoginStatus.serviceUnavailable,
  backend_protocol: LoginStatus.targetError,
  backend_redirect: LoginStatus.serviceUnavailable,
  backend_refused: LoginStatus.targetError,
  target_not_found: LoginStatus.notFound,
  // our own
  internal_error: LoginStatus.targetError,
} as const satisfies Record<string, Wire>;

const ELSEWHERE = {
  too_many_connections: 'close',
  reinstated: 'close',
  killed: 'close',
  worker_lost: 'close',
  not_taken: 'close',
  shutting_down: LoginStatus.serviceUnavailable,
} as const satisfies Record<string, Wire>;

/**
 * The one mapping from a failure to what the peer gets. The reason is the word in the log line and in the metric's label; its
 * value is the status in the Login Response, or `close` where none can or may be sent (RFC 7143 §11.13.5).
 */
const WIRE = { ...HANDSHAKE, ...LOGIN, ...ELSEWHERE };

export type FailureReason = keyof typeof WIRE;

export const FAILURE_REASONS = Object.keys(WIRE) as FailureReason[];
/** Why a TLS handshake can fail, and why a login can: what metrics start at 0. */
export const HANDSHAKE_REASONS = Object.keys(HANDSHAKE) as FailureReason[];
export const LOGIN_REASONS = Object.keys(LOGIN) as FailureReason[];

/**
 * Why a connection, login or session was ended. `message` is for the operator's log alone and names the rule,
 * the key or the portal; the peer sees only `wire`.
 */
export class Failure extends Error {
  readonly reason: FailureReason;
  readonly wire: Wire;

  constructor(reason: FailureReason, message: string, options: { wire?: Wire; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.reason = reason;
    this.wire = options.wire ?? WIRE[reason];
  }

  /** Gives any thrown value its place in the mapping; what nobody foresaw is `internal_error`. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    if (thrown instanceof ProtocolError) {
      return new Failure('protocol_error', `${thrown.code}: ${thrown.message}`, { cause: thrown });
    }
    if (isBrokenConnection(thrown)) {
      const { code, reason, message } = thrown;
      return new Failure('peer_closed', `the connection broke: ${code}: ${reason ?? message}`, {
        cause: thrown,
      });
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new Failure('internal_error', message, { cause: thrown });
  }
}

/** What the peer was told, for an operator: `0203 notFound`, or that the connection closed. */
export function describeWire(wire: Failure['wire']): string {
  return wire === 'close' ? 'connection closed' : describeLoginStatus(wire);
}

/**
 * What the kernel says of a socket (a host that is gone: ETIMEDOUT), or OpenSSL of bytes that are no record of this tunnel:
 * whoever is on the network can bring that about, and it is no fault of ours.
 */
function isBrokenConnection(thrown: unknown): thrown is NodeJS.ErrnoException & { reason?: string } {
  if (!(thrown instanceof Error)) return false;
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  return syscall === 'read' || syscall === 'write' || code?.startsWith('ERR_SSL_') === true;
}
