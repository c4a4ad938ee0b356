import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import tls from 'node:tls';
import { onTestFinished } from 'vitest';
import { testPki } from './certificates.ts';

/** A gateway that takes tunnels and does with them what a test says. */
export class ScriptedGateway {
  readonly #server: tls.Server;
  readonly tunnels: Tunnel[] = [];
  #wake = (): void => {};

  private constructor(server: tls.Server, onHeard: (tunnel: Tunnel, count: number) => void) {
    this.#server = server;
    server.on('secureConnection', (socket) => {
      let heard = '';
      const tunnel = { socket, heard: () => heard };
      const count = this.tunnels.push(tunnel);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
        onHeard(tunnel, count);
      });
      this.#wake();
    });
  }

  static async start(onHeard: (tunnel: Tunnel, count: number) => void): Promise<ScriptedGateway> {
    const { ca, gateway } = await testPki();
    const server = tls.createServer({ ca, ...gateway, requestCert: true, ALPNProtocols: ['sangate'] });
    const scripted = new ScriptedGateway(server, onHeard);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
      for (const { socket } of scripted.tunnels) socket.destroy();
    });
    return scripted;
  }

  /** Nobody gets a tunnel any more. */
  stopListening(): void {
    this.#server.close();
  }

  get portal(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when so many have come. */
  async has(count: number): Promise<void> {
    while (this.tunnels.length < count) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

interface Tunnel {
  readonly socket: Socket;
  /** All that came through it so far. */
  readonly heard: () => string;
}
