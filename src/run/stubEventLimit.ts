import type { StubEvent } from '../stub/stub.ts';
import { LineLimit } from '../telemetry/lineLimit.ts';

/** Lines of one kind: all sessions of a host may begin or end at once, and whoever reaches the listener may connect without end. */
const LINES = 300;
const MINUTE = 60_000;

/** Which events of a stub become a line: of what a connection brings about, each kind so often, so that nobody fills the disk. */
export class StubEventLimit {
  readonly #limits = new Map<string, LineLimit>();

  /** @returns how many of its kind were left out before it; undefined if it is left out itself */
  take(event: StubEvent): number | undefined {
    const kind = kindOf(event);
    if (kind === undefined) return 0;
    const limit = this.#limits.get(kind) ?? new LineLimit(LINES, MINUTE);
    this.#limits.set(kind, limit);
    return limit.take();
  }
}

function kindOf(event: StubEvent): string | undefined {
  switch (event.kind) {
    case 'closed': // those that are warned of are not crowded out by the others
      return event.error === undefined && event.received > 0 ? 'closed' : 'closed with trouble';
    case 'opened':
    case 'reopened':
    case 'unreachable':
    case 'refused':
      return event.kind;
    case 'kept':
    case 'cutShort':
    case 'warmth':
      return undefined;
  }
}
