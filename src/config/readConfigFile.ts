import { closeSync, openSync, readSync } from 'node:fs';
import { ConfigError } from './problem.ts';
import { MAX_FILE_BYTES, tooLarge } from './source.ts';

/** Text of a configuration file, or of a pipe. @throws ConfigError if it can't be read, is too large or is not UTF-8 */
export function readConfigFile(file: string): string {
  const bytes = readBounded(file);
  if (bytes.length > MAX_FILE_BYTES) throw new ConfigError([tooLarge(file)]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(file, 'the file is not UTF-8 text', 'save it as UTF-8');
  }
}

function readBounded(file: string): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw unreadable(
        file,
        'there is no such file',
        'check the path, or start from config/gateway-minimal.yaml',
      );
    throw unreadable(
      file,
      `the file cannot be read (${code})`,
      'name a YAML file that the user who runs sangate may read',
    );
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function unreadable(file: string, message: string, hint: string): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, path: '', message, hint }]);
}
