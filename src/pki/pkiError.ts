/** A certificate, CRL or store that cannot be made as asked; the message says why and what to do instead. */
export class PkiError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'PkiError';
  }
}
