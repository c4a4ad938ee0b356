/** Which rule of RFC 7143, or which of our bounds, the peer's bytes broke. */
export type ProtocolErrorCode =
  | 'bad_opcode'
  | 'bad_flags'
  | 'bad_lun'
  | 'bad_name'
  | 'bad_text'
  | 'bad_value'
  | 'bad_sequence'
  | 'duplicate_key'
  | 'header_digest'
  | 'data_digest'
  | 'header_too_long'
  | 'data_segment_too_long'
  | 'text_too_long'
  | 'key_too_long'
  | 'value_too_long'
  | 'too_many_pieces'
  | 'too_many_keys';

/**
 * The only error that the sans-IO core throws because of what a peer sent.
 * The message says what was expected and what came; it never carries a key's value, which may be a secret.
 */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
  }
}
