/** An initiator ends discovery with a reset, and so does a host that goes down: an end like any other. */
export function isReset(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE';
}
