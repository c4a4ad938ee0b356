import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { Secret } from '../policy/secret.ts';
import { secretFileProblem, secretFileRemedy } from '../policy/secretFileMode.ts';
import { ValueError, quote } from './problem.ts';

/** Where a secret is kept; the configuration itself never holds one. */
export type SecretReference = { readonly file: string } | { readonly env: string };

/** Where secrets come from: the file system and the environment, or a test's stand-ins. */
export interface SecretSource {
  /** @param file absolute path @throws ValueError */
  readSecretFile(file: string): Uint8Array;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const SYSTEM_SECRETS: SecretSource = { readSecretFile, env: process.env };

/** RFC 7143 §9.2.1: 96 bits at least. CHAP_R is a digest, so the upper bound is ours. */
const MIN_BYTES = 12;
const MAX_BYTES = 255;

/** @param directory against which a relative file is resolved @throws ValueError, never with the secret in it */
export function resolveSecret(reference: SecretReference, directory: string, source: SecretSource): Secret {
  const [bytes, origin] =
    'file' in reference
      ? [
          fromFile(resolve(directory, reference.file), source),
          `the file ${quote(resolve(directory, reference.file))}`,
        ]
      : [fromEnvironment(reference.env, source), `the environment variable ${reference.env}`];
  if (bytes.length === 0) {
    throw new ValueError(`${origin} is empty`, `put a secret of ${MIN_BYTES} to ${MAX_BYTES} bytes there`);
  }
  if (bytes.length < MIN_BYTES || bytes.length > MAX_BYTES) {
    const wrong =
      bytes.length < MIN_BYTES ? `too short (${bytes.length} bytes)` : `longer than ${MAX_BYTES} bytes`;
    throw new ValueError(
      `the secret in ${origin} is ${wrong}`,
      `use ${MIN_BYTES} to ${MAX_BYTES} bytes (RFC 7143 §9.2.1); openssl rand -hex 8 makes one of 16 characters`,
    );
  }
  return new Secret(bytes);
}

/** Editors and `echo` end a file with a newline that nobody means. */
function fromFile(file: string, source: SecretSource): Uint8Array {
  const bytes = source.readSecretFile(file);
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

function fromEnvironment(name: string, source: SecretSource): Uint8Array {
  const value = source.env[name];
  if (value !== undefined) return Buffer.from(value, 'utf8');
  throw new ValueError(
    `the environment variable ${name} is not set`,
    `set it for this process, or write { file: ... }`,
  );
}

/** Reads a file that only its owner, and perhaps its group, may read. @throws ValueError */
export function readSecretFile(file: string): Uint8Array {
  const descriptor = open(file);
  try {
    // The checks hold for what was opened, not for what bears its name a moment later.
    const { mode, size } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      throw new ValueError(
        `${quote(file)} is not a file`,
        'write the path of a file that holds the secret alone',
      );
    }
    // Windows has no such bits; Node shows 0666 for every file there.
    if (process.platform !== 'win32') checkMode(file, mode);
    const bytes = Buffer.alloc(Math.min(size, MAX_BYTES + 3));
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

function open(file: string): number {
  try {
    // Without O_NONBLOCK a named pipe would hold the process up until somebody writes to it.
    return openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new ValueError(
        `the secret file ${quote(file)} does not exist`,
        'create it, or correct the path; relative paths start at the folder of the configuration file, in options at the current one',
      );
    }
    throw new ValueError(
      `the secret file ${quote(file)} cannot be read (${code})`,
      'let the user who runs sangate own it, with mode 600',
    );
  }
}

function checkMode(file: string, mode: number): void {
  const problem = secretFileProblem(mode);
  if (problem === undefined) return;
  throw new ValueError(`the secret file ${quote(file)} ${problem}`, `type: ${secretFileRemedy(file)}`);
}
