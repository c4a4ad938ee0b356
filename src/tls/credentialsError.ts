/** A file of the TLS configuration that cannot be used; the message names it and says what to do. */
export class CredentialsError extends Error {
  readonly file: string;
  /** The key that names the file, where that is known: two may name the same. */
  setting?: string;

  constructor(file: string, problem: string, options: { cause?: unknown } = {}) {
    super(`${file}: ${problem}`, options);
    this.name = 'CredentialsError';
    this.file = file;
  }
}

/** Several of them. */
class CredentialsErrors extends Error {
  readonly errors: readonly CredentialsError[];

  constructor(errors: readonly CredentialsError[]) {
    super(errors.map(({ message }) => message).join('\n'));
    this.name = 'CredentialsErrors';
    this.errors = errors;
  }
}

/** Waits for all. @throws CredentialsError if one file cannot be used; if several, what `credentialsErrors` takes apart; before these, anything else */
export async function allCredentials<T extends readonly unknown[]>(
  loading: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const reasons = (await Promise.allSettled(loading)).flatMap((one) =>
    one.status === 'rejected' ? [one.reason as unknown] : [],
  );
  const errors = reasons.flatMap((reason) => credentialsErrors(reason) ?? []);
  const other = reasons.find((reason) => credentialsErrors(reason) === undefined);
  if (other !== undefined) throw other;
  if (errors.length > 0) throw errors.length === 1 ? errors[0]! : new CredentialsErrors(errors);
  return Promise.all(loading);
}

/** Tells in its errors which key names the file. */
export async function forSetting<T>(setting: string, loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (error) {
    if (error instanceof CredentialsError) error.setting = setting;
    throw error;
  }
}

/** Each of them in what was thrown; undefined if that is something else. */
export function credentialsErrors(thrown: unknown): readonly CredentialsError[] | undefined {
  if (thrown instanceof CredentialsErrors) return thrown.errors;
  return thrown instanceof CredentialsError ? [thrown] : undefined;
}
