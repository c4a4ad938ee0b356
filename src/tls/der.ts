/** One element of DER (X.690): its tag, its content, and the whole with tag and length, as it was signed. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/** The tags that certificates and CRLs are read by (X.690 §8); `context0` is [0], constructed. */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  context0: 0xa0,
} as const;

/** The elements that stand one after another in the bytes; throws where they do not fit. */
export function* derElements(bytes: Buffer): Generator<DerElement> {
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    const first = bytes[at + 1] ?? 0x80;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    // 0x80 is BER's indefinite length; 4 length bytes are more than any file that is read here.
    if (first === 0x80 || lengthBytes > 4 || at + 2 + lengthBytes > bytes.length) {
      throw new RangeError('malformed DER length');
    }
    const start = at + 2 + lengthBytes;
    const end = start + (lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes));
    if (end > bytes.length) throw new RangeError('DER element is cut off');
    yield { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
    at = end;
  }
}

/** The elements inside one with this tag; throws if it is absent or another. */
export function derInside(element: DerElement | undefined, tag: number = TAG.sequence): DerElement[] {
  if (element?.tag !== tag) throw new RangeError('an element of DER is not what stands there');
  return [...derElements(element.content)];
}
