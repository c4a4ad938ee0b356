import type { Failure } from '../../failures.ts';
import type { Channel } from '../../workers/channel.ts';
import type { Doorkeeper, Entrance, Presence, PresenceRule } from '../guards.ts';
import type { toControl, toWorker } from './protocol.ts';

/** Control answers at once, unless it is about to end. */
const ENTER_MS = 10_000;
/** The session that is replaced may be on a worker that hangs and has to be ended first. */
const BEGIN_MS = 20_000;

/** Control's guards, from a worker. */
export class RemoteGuards implements Doorkeeper {
  readonly #channel: Channel<typeof toWorker, typeof toControl>;
  /** Of those who are inside, by the number that they have here. */
  readonly #endings = new Map<number, AbortController>();
  #next = 1;

  constructor(channel: Channel<typeof toWorker, typeof toControl>) {
    this.#channel = channel;
  }

  async enter(presence: Presence, { id, location, maxSessions, cluster }: PresenceRule): Promise<Entrance> {
    const entrance = this.#next++;
    const ending = new AbortController();
    const leave = (): void => {
      if (this.#endings.delete(entrance)) this.#channel.tell('leave', { entrance });
    };
    this.#endings.set(entrance, ending);
    try {
      const rule = { id, location, maxSessions, cluster };
      const answer = await this.#channel.ask('enter', { entrance, presence, rule }, ENTER_MS);
      const begin: Entrance['begin'] = async (session) => {
        await this.#channel.ask('begin', { entrance, ...session }, BEGIN_MS);
        return ending.signal;
      };
      return { ...answer, begin, leave };
    } catch (error) {
      leave(); // control may have let it in, and the answer come too late
      throw error;
    }
  }

  end(entrance: number, failure: Failure): void {
    this.#endings.get(entrance)?.abort(failure);
  }
}
