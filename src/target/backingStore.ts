/**
 * Where a logical unit's blocks live. Offsets and lengths are bytes inside `size`: the logical unit has checked
 * them. Calls may overlap in time; one call's bytes arrive in no promised order relative to another's.
 */
export interface BackingStore {
  /** Bytes, a multiple of 512. */
  readonly size: number;
  /** Nothing can be written: the logical unit shows itself write-protected. */
  readonly readOnly: boolean;
  /** Never-written ranges read as zeros. */
  read(offset: number, length: number): Promise<Buffer>;
  write(offset: number, data: Uint8Array): Promise<void>;
  /** What was written before survives a power failure once this resolves. */
  flush(): Promise<void>;
  /** The range reads as zeros afterwards; its space may be given back. */
  discard(offset: number, length: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error that says what is wrong with `size`, for `name` (a path, or what the user calls the disk). */
export function checkSize(size: number, name: string): void {
  if (Number.isSafeInteger(size) && size > 0 && size % 512 === 0) return;
  throw new Error(`${name}: a disk's size is a multiple of 512 bytes and more than 0, not ${size}`);
}
