import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import type { Link } from '../../src/workers/link.ts';
import type { Launch } from '../../src/workers/supervisor.ts';

/** Two ends of a link in one process. Messages are copied as between processes, and come later. */
export function pairOfLinks(): readonly [Link, Link] {
  const ends = [new End(), new End()] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return ends;
}

class End implements Link {
  other!: End;
  readonly #closing: (() => void)[] = [];
  #listener: ((message: unknown, socket?: Socket) => void) | undefined;
  #isClosed = false;

  send(message: unknown, socket?: Socket): void {
    if (this.#isClosed) {
      socket?.destroy();
      return;
    }
    const copy = serialize(message);
    setImmediate(() => {
      if (this.other.#isClosed) socket?.destroy();
      else this.other.#listener!(deserialize(copy), socket);
    });
  }

  onMessage(listener: (message: unknown, socket?: Socket) => void): void {
    this.#listener = listener;
  }

  onClose(listener: () => void): void {
    this.#closing.push(listener);
  }

  close(): void {
    for (const end of [this, this.other]) {
      if (end.#isClosed) continue;
      end.#isClosed = true;
      setImmediate(() => {
        for (const listener of end.#closing) listener();
      });
    }
  }
}

export interface InProcess {
  readonly launch: Launch;
  /** Of those that run, by their number. Their sockets end with them, as those of a process do. */
  readonly kill: (number: number) => void;
}

/** Workers that are no processes. @param serve what a worker's process would do */
export function workersInProcess(serve: (link: Link, onBroken: (error: Error) => void) => void): InProcess {
  const kills = new Map<number, () => void>();
  let pids = 1000;
  const launch: Launch = (number) => {
    const [control, worker] = pairOfLinks();
    const sockets = new Set<Socket>();
    serve(
      {
        send: (message, socket) => worker.send(message, socket),
        onMessage: (listener) =>
          worker.onMessage((message, socket) => {
            if (socket !== undefined) sockets.add(socket);
            listener(message, socket);
          }),
        onClose: (listener) => worker.onClose(listener),
        close: () => worker.close(),
      },
      (error) => {
        throw error;
      },
    );
    let isKilled = false;
    const kill = (): void => {
      isKilled = true;
      worker.close();
      for (const socket of sockets) socket.destroy();
    };
    kills.set(number, kill);
    const ended = new Promise<string>((resolve) => {
      worker.onClose(() => resolve(isKilled ? 'SIGKILL' : 'exit code 0'));
    });
    return { pid: pids++, link: control, kill, ended };
  };
  return { launch, kill: (number) => kills.get(number)!() };
}
