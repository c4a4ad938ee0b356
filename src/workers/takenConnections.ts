import type { Socket } from 'node:net';

/** The connections that control has handed to this worker, by the number that both sides have for each. */
export class TakenConnections {
  readonly #sockets = new Map<number, Socket>();
  readonly #onEnded: (connection: number) => void;

  /** @param onEnded of each that was taken, whoever ended it */
  constructor(onEnded: (connection: number) => void) {
    this.#onEnded = onEnded;
  }

  /**
   * @param socket undefined: it has not come through
   * @param serve has it from now on
   * @returns what control is answered: whether it is here
   */
  take(connection: number, socket: Socket | undefined, serve: (socket: Socket) => void): boolean {
    if (socket === undefined) return false;
    this.#sockets.set(connection, socket);
    socket.once('close', () => {
      this.#sockets.delete(connection);
      this.#onEnded(connection);
    });
    serve(socket);
    return true;
  }

  /** Control did not hear in time that it is here, and has forgotten it. */
  drop(connection: number): void {
    this.#sockets.get(connection)?.destroy();
  }
}
