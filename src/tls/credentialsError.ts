/** A file of the TLS configuration that cannot be used; the message names it and says what to do. */
export class CredentialsError extends Error {
  readonly file: string;

  constructor(file: string, problem: string, options: { cause?: unknown } = {}) {
    super(`${file}: ${problem}`, options);
    this.name = 'CredentialsError';
    this.file = file;
  }
}
