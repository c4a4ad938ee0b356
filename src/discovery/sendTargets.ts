import { parseIscsiName } from '../iscsi/names.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import { formatPortal, parseTargetAddress, type TargetAddress } from '../iscsi/targetAddress.ts';
import { encodeText, MAX_RECORD_PAIRS, parsePairs, type TextPair } from '../iscsi/text.ts';

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
export function parseTargetRecords(text: Uint8Array, onMalformed: (problem: string) => void): TargetRecord[] {
  const records: { name: string; addresses: TargetAddress[] }[] = [];
  let current: { name: string; addresses: TargetAddress[] } | undefined;
  for (const [key, value] of parsePairs(text, MAX_RECORD_PAIRS)) {
    try {
      if (key === 'TargetName') {
        current = undefined;
        parseIscsiName(value);
        current = { name: value, addresses: [] };
        records.push(current);
      } else if (key === 'TargetAddress') {
        current?.addresses.push(parseTargetAddress(value));
      } else {
        throw new ProtocolError('bad_text', `${key} in a SendTargets answer`);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code === 'bad_text') throw error;
      onMalformed(error.message);
    }
  }
  return records;
}
