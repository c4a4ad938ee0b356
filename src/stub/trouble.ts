import { DialError } from '../transport/dial.ts';

/** Why no tunnel can be had ahead: no gateway could be dialled, or one closes those that wait. */
export type Trouble = 'unreachable' | 'closed';

export function troubleOf(error: Error): Trouble {
  return error instanceof DialError ? 'unreachable' : 'closed';
}
