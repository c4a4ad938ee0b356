import type { Socket } from 'node:net';

/**
 * The way between control and one worker: messages in their order, and with some of them a socket. Both ends are processes of ours,
 * or in tests objects of one.
 */
export interface Link {
  /**
   * A socket that goes with a message is the other side's from then on. If it can't be handed over it is destroyed.
   */
  send(message: unknown, socket?: Socket): void;
  /** To be called once, at the beginning. */
  onMessage(listener: (message: unknown, socket?: Socket) => void): void;
  /** When the other side has gone, or this one has closed. */
  onClose(listener: () => void): void;
  close(): void;
}
