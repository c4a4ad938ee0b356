import { userInfo } from 'node:os';

/** Whose process this is. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`; // in a container, which knows no names
  }
}
