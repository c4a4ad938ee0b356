import type { Socket } from 'node:net';

const NOTHING = Buffer.alloc(0);

export interface FirstExchange {
  /** Passes on to the gateway. */
  readonly say: (chunk: Buffer) => void;
  /**
   * The gateway has answered, or too much was said to be said again. Both sockets flow: whoever is to read them attaches at once.
   *
   * @param answer its first bytes, or none
   */
  readonly onJoined: (answer: Buffer) => void;
  /** The tunnel was closed before it was given away, as it turned out; the initiator is paused. @param said all that it has said */
  readonly onClosed: (said: Buffer) => void;
  /** The initiator has gone, or the gateway wants nothing of it. @param hasSpoken whether it had said anything */
  readonly onEnd: (hasSpoken: boolean) => void;
}

/** A Login Request has 8 KiB at most, and there is one at a time; whoever says more before an answer does not log in. */
const MAX_HELD = 64 * 1024;

/** Longer than a round trip: a gateway that closes later has heard the initiator, and would close the next tunnel as well. */
const RACE_MS = 3000;

/**
 * Passes on what the initiator says until the gateway answers, and keeps it: a tunnel that was dialled ahead may end just as it
 * is given away. As long as nothing was answered no login is done, so that another tunnel can be told the same.
 */
export function untilAnswered(initiator: Socket, tunnel: Socket, exchange: FirstExchange): void {
  const since = performance.now();
  const said: Buffer[] = [];
  let length = 0;
  const detach = (): void => {
    initiator.off('data', onSaid).off('end', onEnd).off('close', onEnd);
    tunnel.off('data', join).off('end', onClosed).off('close', onClosed);
  };
  const onSaid = (chunk: Buffer): void => {
    exchange.say(chunk);
    said.push(chunk);
    length += chunk.length;
    if (length > MAX_HELD) join(NOTHING);
  };
  const join = (answer: Buffer): void => {
    detach();
    exchange.onJoined(answer);
  };
  const onClosed = (): void => {
    if (performance.now() - since > RACE_MS) return onEnd();
    detach();
    tunnel.destroy();
    initiator.pause();
    exchange.onClosed(Buffer.concat(said));
  };
  const onEnd = (): void => {
    detach();
    exchange.onEnd(length > 0);
  };
  initiator.on('data', onSaid).on('end', onEnd).on('close', onEnd);
  tunnel.on('data', join).on('end', onClosed).on('close', onClosed);
  initiator.resume();
}
