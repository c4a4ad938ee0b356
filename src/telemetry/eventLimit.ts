import type { GatewayEvent, Peer } from './events.ts';
import { LineLimit } from './lineLimit.ts';

/** Lines a second about those whom TLS refuses: anybody can have one written, as fast as connections can be opened. */
const STRANGERS = 20;
/** Lines a minute of one kind about one certificate: its holder can have them written as fast as logins are answered. */
const OF_A_PEER = 20;
/** The same about requests in its sessions, however many it opens: about as many as one session by itself may have told. */
const OF_REQUESTS = { denied: 600, notable: 1200, danger: 7200 } as const;
const MINUTE = 60_000;
/** Whoever was not heard of for longest is forgotten, with the number of what was left out. */
const MAX_REMEMBERED = 1024;

/**
 * Which events become a line. What a peer can bring about as often as it likes is told so many times: nobody may fill the disk, or wash
 * what others did out of the files that are kept. The first of each kind is always told, and so are beginning and end of Normal sessions.
 */
export class EventLimit {
  readonly #strangers = new LineLimit(STRANGERS);
  readonly #peers = new Map<string, LineLimit>();

  /** @returns how many of its kind were left out before it, with those that it tells of itself; undefined if it is left out */
  take(event: GatewayEvent): number | undefined {
    if (event.kind === 'handshake') return event.failure === undefined ? 0 : this.#strangers.take();
    const kind = repeatable(event);
    return kind === undefined ? 0 : this.#limitOf(kind).take(kind.before);
  }

  #limitOf({ peer: { sha256, address }, what, lines = OF_A_PEER }: Kind): LineLimit {
    const key = `${sha256 ?? address} ${what}`;
    const limit = this.#peers.get(key) ?? new LineLimit(lines, MINUTE);
    this.#peers.delete(key);
    this.#peers.set(key, limit); // the newest is the last
    if (this.#peers.size > MAX_REMEMBERED) this.#peers.delete(this.#peers.keys().next().value!);
    return limit;
  }
}

interface Kind {
  readonly peer: Peer;
  readonly what: string;
  readonly lines?: number;
  /** Left out by its session. */
  readonly before?: number;
}

/** What a peer can repeat, within sessions and by opening one after the other. */
function repeatable(event: GatewayEvent): Kind | undefined {
  switch (event.kind) {
    case 'login': {
      const { peer, sessionType, failure } = event;
      if (failure === undefined && sessionType !== 'Discovery') return undefined;
      return { peer, what: `login ${failure?.reason ?? 'allowed'}` };
    }
    case 'discovery': {
      const { peer, missing, malformed, failure } = event;
      const answer = missing.length > 0 || malformed.length > 0 ? 'incomplete' : 'whole';
      return { peer, what: `discovery ${failure?.reason ?? answer}` };
    }
    case 'duplicate':
      return event.isRefused ? { peer: event.peer, what: 'duplicate' } : undefined;
    case 'unused':
      return { peer: event.peer, what: `unused ${event.failure.reason}` };
    case 'denied': {
      const { peer, denial, suppressed: before } = event;
      return { peer, what: `denied ${denial}`, lines: OF_REQUESTS.denied, before };
    }
    case 'notable': {
      const { peer, effect, suppressed: before } = event;
      const isDanger = effect !== 'reserve' && effect !== 'configure';
      return { peer, what: effect, lines: OF_REQUESTS[isDanger ? 'danger' : 'notable'], before };
    }
    case 'handshake':
    case 'refused':
    case 'sessionEnded':
    case 'reload':
    case 'drain':
    case 'workerStarted':
    case 'workerLost':
      return undefined;
  }
}
