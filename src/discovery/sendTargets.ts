import { describeBadName, isIscsiName } from '../iscsi/names.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import {
  describeBadAddress,
  formatPortal,
  readTargetAddress,
  type TargetAddress,
} from '../iscsi/targetAddress.ts';
import { encodeText, MAX_RECORD_PAIRS, parsePairs, type TextPair } from '../iscsi/text.ts';
import type { MalformedRecords } from './malformedRecords.ts';

/** One target as SendTargets shows it. */
export interface TargetRecord {
  /** As the target spells it; compare in normal form. */
  readonly name: string;
  readonly addresses: readonly TargetAddress[];
}

/** The text of a SendTargets answer (RFC 7143 Appendix C). */
export function encodeTargetRecords(records: readonly TargetRecord[]): Buffer {
  return encodeText(records.flatMap(recordPairs));
}

export function recordPairs({ name, addresses }: TargetRecord): TextPair[] {
  return [
    ['TargetName', name],
    ...addresses.map((address): TextPair => {
      const tag = address.portalGroupTag === undefined ? '' : `,${address.portalGroupTag}`;
      return ['TargetAddress', `${formatPortal(address)}${tag}`];
    }),
  ];
}

/**
 * Reads a SendTargets answer. A record whose name or address is malformed is left out and reported: one broken target must not
 * hide the others.
 *
 * @throws ProtocolError if the text itself is broken or speaks of something else
 */
export function parseTargetRecords(text: Uint8Array, malformed: MalformedRecords): TargetRecord[] {
  const records: { name: string; addresses: TargetAddress[] }[] = [];
  let current: { name: string; addresses: TargetAddress[] } | undefined;
  for (const [key, value] of parsePairs(text, MAX_RECORD_PAIRS)) {
    if (key === 'TargetName') {
      current = isIscsiName(value) ? { name: value, addresses: [] } : undefined;
      if (current === undefined) malformed.add(() => describeBadName(value));
      else records.push(current);
    } else if (key === 'TargetAddress') {
      const address = readTargetAddress(value);
      if (address === undefined) malformed.add(() => describeBadAddress(value));
      else current?.addresses.push(address);
    } else {
      throw new ProtocolError('bad_text', `${key} in a SendTargets answer`);
    }
  }
  return records;
}
