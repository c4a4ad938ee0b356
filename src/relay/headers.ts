import { ahsLengthAt, opcodeAt } from '../iscsi/bhs.ts';
import { describeOpcode } from '../iscsi/opcode.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';

/**
 * Only a SCSI Command has any (RFC 7143 §11.2.2).
 *
 * @throws ProtocolError `header_too_long`
 */
export function refuseAdditionalHeaders(bytes: Buffer, at: number): void {
  if (ahsLengthAt(bytes, at) === 0) return;
  throw new ProtocolError(
    'header_too_long',
    `${describeOpcode(opcodeAt(bytes, at))} has no additional headers`,
  );
}
