import { LoginStatus } from './iscsi/loginStatus.ts';
import { ProtocolError } from './iscsi/protocolError.ts';

/**
 * The one mapping from a failure to what the peer gets. The reason is the word in the log line, in the audit
 * line and in the metric's label; `login` is the status in the Login Response, or `close` where no Login
 * Response can or may be sent (RFC 7143 §11.13.5).
 */
const WIRE = {
  // before iSCSI
  not_tls: 'close',
  tls_handshake: 'close',
  no_cert: 'close',
  unknown_ca: 'close',
  expired_cert: 'close',
  revoked_cert: 'close',
  bad_cert: 'close',
  too_many_connections: 'close',
  proxy_header: 'close',
  // the login phase
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
  // the array
  backend_down: LoginStatus.serviceUnavailable,
  backend_auth: LoginStatus.serviceUnavailable,
  backend_protocol: LoginStatus.targetError,
  backend_redirect: LoginStatus.serviceUnavailable,
  backend_refused: LoginStatus.targetError,
  target_not_found: LoginStatus.notFound,
  shutting_down: LoginStatus.serviceUnavailable,
  reinstated: 'close',
  // our own
  internal_error: LoginStatus.targetError,
} as const satisfies Record<string, LoginStatus | 'close'>;

export type FailureReason = keyof typeof WIRE;

/** All reasons, for metrics that start every known series at 0. */
export const FAILURE_REASONS = Object.keys(WIRE) as FailureReason[];

/**
 * Why a connection, login or session was ended. `message` is for the operator's log alone and names the rule,
 * the key or the portal; the peer sees only `wire`.
 */
export class Failure extends Error {
  readonly reason: FailureReason;
  readonly wire: LoginStatus | 'close';

  constructor(
    reason: FailureReason,
    message: string,
    options: { wire?: LoginStatus | 'close'; cause?: unknown } = {},
  ) {
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
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new Failure('internal_error', message, { cause: thrown });
  }
}
