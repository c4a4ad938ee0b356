import type { PduReaderLimits } from '../iscsi/pduReader.ts';
import { MAX_RECV_DATA_SEGMENT_LENGTH } from './keys.ts';

/** What either side takes in one PDU of a login, before it has declared more (RFC 7143 §13.12). */
export const LOGIN_LIMITS: PduReaderLimits = {
  maxAhsLength: 0,
  maxDataSegmentLength: MAX_RECV_DATA_SEGMENT_LENGTH.default,
};
