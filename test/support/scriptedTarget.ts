import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { DiscoverySession } from '../../src/discovery/discoverySession.ts';
import type { TargetRecord } from '../../src/discovery/sendTargets.ts';
import { Failure } from '../../src/failures.ts';
import { opcodeAt, RESERVED_TAG } from '../../src/iscsi/bhs.ts';
import { decodeBhs } from '../../src/iscsi/layouts.ts';
import { Opcode } from '../../src/iscsi/opcode.ts';
import { encodePdu, type Pdu } from '../../src/iscsi/pdu.ts';
import { serialAdd } from '../../src/iscsi/serialArithmetic.ts';
import { encodeText } from '../../src/iscsi/text.ts';
import { Challenges } from '../../src/login/challenges.ts';
import { answerOffers } from '../../src/login/negotiation.ts';
import { TargetLogin } from '../../src/login/targetLogin.ts';
import type { ChapRequirement } from '../../src/policy/chapRequirement.ts';
import { PduConnection } from '../../src/transport/pduConnection.ts';
import { DISK1 } from './loginPdus.ts';

export interface ScriptedTargetOptions {
  /** A loopback address; 127.0.0.1 unless told. */
  readonly host?: string;
  /** Kernel-chosen unless told: for one that comes back. */
  readonly port?: number;
  readonly targets?: readonly string[];
  /** What it wants of initiators. */
  readonly chap?: ChapRequirement;
  /**
   * Sees every PDU first.
   *
   * @returns true if it has dealt with it: then the target says nothing by itself
   */
  readonly script?: (pdu: Pdu, connection: TargetConnection) => boolean;
}

const LIMITS = { maxAhsLength: 0, maxDataSegmentLength: 262_144 } as const;

/** An array's iSCSI target over TCP that does well unless its script says otherwise. It answers NOP, commands (GOOD) and Logout. */
export class ScriptedTarget {
  readonly connections: TargetConnection[] = [];
  /** Those that have reached full feature phase of a Normal session, in that order. */
  readonly sessions: TargetConnection[] = [];
  readonly options: ScriptedTargetOptions;
  readonly #server: net.Server;
  #port = 0;
  #onChange: (() => void)[] = [];

  private constructor(options: ScriptedTargetOptions) {
    this.options = options;
    this.#server = net.createServer({ noDelay: true }, (socket) => {
      const connection = new TargetConnection(socket, this, () => this.#changed());
      this.connections.push(connection);
      this.#changed();
      void connection.run();
    });
  }

  static async start(options: ScriptedTargetOptions = {}): Promise<ScriptedTarget> {
    const target = new ScriptedTarget(options);
    target.#server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(target.#server, 'listening');
    target.#port = (target.#server.address() as AddressInfo).port;
    return target;
  }

  get port(): number {
    return this.#port;
  }

  /** `host:port`. */
  get portal(): string {
    return `${this.options.host ?? '127.0.0.1'}:${this.port}`;
  }

  /** The first connection for which this holds; waits for it. */
  async connection(matches: (connection: TargetConnection) => boolean): Promise<TargetConnection> {
    for (;;) {
      const found = this.connections.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onChange.push(resolve));
    }
  }

  /** The n-th Normal session in full feature phase, from 0; waits for it. */
  async session(n = 0): Promise<TargetConnection> {
    await this.connection(() => this.sessions.length > n);
    return this.sessions[n]!;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const { socket } of this.connections) socket.destroy();
    await closed;
  }

  #changed(): void {
    for (const wake of this.#onChange.splice(0)) wake();
  }
}

/** One connection to a scripted target. */
export class TargetConnection {
  readonly socket: Socket;
  readonly received: Pdu[] = [];
  readonly sent: Buffer[] = [];
  readonly closed: Promise<void>;
  readonly #target: ScriptedTarget;
  readonly #onChange: () => void;
  readonly login: TargetLogin<undefined>;
  #discovery: DiscoverySession | undefined;
  #statSN = 0;
  #expCmdSN = 0;

  constructor(socket: Socket, target: ScriptedTarget, onChange: () => void) {
    this.socket = socket;
    this.#target = target;
    this.#onChange = onChange;
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    socket.on('error', () => {}); // `closed` tells
    const { chap } = target.options;
    this.login = new TargetLogin<undefined>({
      admit: () => ({ admission: undefined, ...(chap && { chap }) }),
      challenges: new Challenges(randomBytes),
      targetPortalGroupTag: 3,
      initialStatSN: 1000,
    });
  }

  async run(): Promise<void> {
    const pdus = PduConnection.over(this.socket, LIMITS);
    try {
      for (;;) {
        const pdu = await pdus.next();
        if (pdu === undefined) break;
        this.received.push(pdu);
        const isDone = this.#target.options.script?.(pdu, this) ?? false;
        if (!isDone) this.answer(pdu);
        this.#onChange();
      }
    } catch (error) {
      const refusal = this.login.refusal(Failure.from(error));
      if (refusal !== undefined && !this.#target.sessions.includes(this)) this.send(refusal);
    }
    this.socket.end(() => this.socket.destroy());
  }

  /** The data of every PDU in both directions. */
  get wire(): Buffer[] {
    return [...this.sent, ...this.received.map(({ data }) => data)];
  }

  send(bytes: Buffer): void {
    this.sent.push(bytes);
    this.socket.write(bytes);
  }

  /** Says that the target is elsewhere, then closes. */
  redirect(request: Pdu, address: string, status = 0x0101): void {
    this.#lastWord(request, status, encodeText([['TargetAddress', address]]));
  }

  /** Refuses a login, then closes. */
  refuse(request: Pdu, status: number): void {
    this.#lastWord(request, status, Buffer.alloc(0));
  }

  /** What the target would say by itself. */
  answer(pdu: Pdu): void {
    if (opcodeAt(pdu.bhs, 0) === Opcode.loginRequest) return this.#answerLogin(pdu);
    if (this.#discovery !== undefined) return this.#answerDiscovery(pdu);
    switch (opcodeAt(pdu.bhs, 0)) {
      case Opcode.nopOut: {
        const { initiatorTaskTag } = decodeBhs('nopOut', pdu.bhs);
        const targetTransferTag = RESERVED_TAG;
        const numbers = this.#numbers(pdu);
        return this.send(
          encodePdu('nopIn', { final: true, initiatorTaskTag, targetTransferTag, ...numbers }, pdu.data),
        );
      }
      case Opcode.scsiCommand: {
        const { initiatorTaskTag } = decodeBhs('scsiCommand', pdu.bhs);
        return this.send(encodePdu('scsiResponse', { final: true, initiatorTaskTag, ...this.#numbers(pdu) }));
      }
      case Opcode.logoutRequest: {
        const { initiatorTaskTag } = decodeBhs('logoutRequest', pdu.bhs);
        this.send(encodePdu('logoutResponse', { final: true, initiatorTaskTag, ...this.#numbers(pdu) }));
        this.socket.end();
        return;
      }
      default:
        throw new Failure('internal_error', 'the scripted target knows no answer to that');
    }
  }

  #answerLogin(pdu: Pdu): void {
    let step = this.login.receive(pdu);
    if (step.kind === 'authenticated') step = this.login.proceed();
    if (step.kind === 'send') return this.send(step.response);
    if (step.kind !== 'negotiate') return;
    const { cmdSN } = decodeBhs('loginRequest', pdu.bhs);
    const { keys, transit } = step.request;
    const pairs = answerOffers(keys, new Map());
    const response = this.login.answer({ pairs, transit, tsih: 77, expCmdSN: cmdSN, maxCmdSN: cmdSN + 16 });
    if (transit) this.#begin(cmdSN);
    this.send(response);
  }

  #begin(cmdSN: number): void {
    this.#statSN = this.login.nextStatSN;
    this.#expCmdSN = cmdSN;
    if (this.login.identity?.sessionType === 'Normal') {
      this.#target.sessions.push(this);
    } else {
      const maxDataSegmentLength = 8192;
      this.#discovery = new DiscoverySession({ statSN: this.#statSN, cmdSN, maxDataSegmentLength });
    }
  }

  #answerDiscovery(pdu: Pdu): void {
    const step = this.#discovery!.receive(pdu);
    if (step.kind === 'nothing') return;
    this.send(step.kind === 'sendTargets' ? this.#discovery!.answer(this.#records()) : step.response);
    if (step.kind === 'logout') this.socket.end();
  }

  #records(): TargetRecord[] {
    const { targets = [DISK1], host = '127.0.0.1' } = this.#target.options;
    return targets.map((name) => ({
      name,
      addresses: [{ host, port: this.#target.port, portalGroupTag: 3 }],
    }));
  }

  #numbers({ bhs }: Pdu): { statSN: number; expCmdSN: number; maxCmdSN: number } {
    const { immediate, cmdSN } = decodeBhs('nopOut', bhs);
    if (!immediate) this.#expCmdSN = serialAdd(cmdSN, 1);
    const statSN = this.#statSN;
    this.#statSN = serialAdd(statSN, 1);
    return { statSN, expCmdSN: this.#expCmdSN, maxCmdSN: serialAdd(this.#expCmdSN, 16) };
  }

  #lastWord({ bhs }: Pdu, status: number, text: Buffer): void {
    const { isid, initiatorTaskTag, currentStage } = decodeBhs('loginRequest', bhs);
    this.send(encodePdu('loginResponse', { isid, initiatorTaskTag, currentStage, status }, text));
    this.socket.end();
  }
}
