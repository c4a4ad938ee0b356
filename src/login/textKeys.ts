import { ProtocolError } from '../iscsi/protocolError.ts';
import { encodeText, MAX_TEXT_LENGTH, type TextKeys } from '../iscsi/text.ts';

/** Those for which `isFirst` holds, and the others. */
export function partitionKeys(keys: TextKeys, isFirst: (key: string) => boolean): [TextKeys, TextKeys] {
  const parts: [Map<string, string>, Map<string, string>] = [new Map(), new Map()];
  for (const [key, value] of keys) parts[isFirst(key) ? 0 : 1].set(key, value);
  return parts;
}

/**
 * Keys of two messages that are negotiated as one.
 *
 * @throws ProtocolError `duplicate_key`, or `text_too_long` if they would not have fitted into one message
 */
export function mergeKeys(earlier: TextKeys, later: TextKeys): TextKeys {
  const merged = new Map(earlier);
  for (const [key, value] of later) {
    if (merged.has(key)) throw new ProtocolError('duplicate_key', `${key} came twice`);
    merged.set(key, value);
  }
  if (encodeText(merged).length > MAX_TEXT_LENGTH) {
    throw new ProtocolError('text_too_long', `more than ${MAX_TEXT_LENGTH} bytes to negotiate`);
  }
  return merged;
}
