import type { Socket } from 'node:net';
import { z } from 'zod';
import { Failure } from '../failures.ts';
import type { Link } from './link.ts';
import { packedFailure, packFailure, unpackFailure } from './packedFailure.ts';

/** What one side may ask of the other: the question's shape, and that of its answer. */
export type Calls = Readonly<Record<string, { readonly body: z.ZodType; readonly answer: z.ZodType }>>;

type Body<C extends Calls, K extends keyof C> = z.output<C[K]['body']>;
type Answer<C extends Calls, K extends keyof C> = z.output<C[K]['answer']>;

/** What is done at each question. An error crosses as a Failure. */
export type Handlers<C extends Calls> = {
  readonly [K in keyof C]: (
    body: Body<C, K>,
    socket: Socket | undefined,
  ) => Answer<C, K> | Promise<Answer<C, K>>;
};

const id = z.int().min(0);
const message = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tell'), what: z.string(), body: z.unknown() }),
  z.strictObject({ kind: z.literal('ask'), id, what: z.string(), body: z.unknown() }),
  z.strictObject({ kind: z.literal('answer'), id, body: z.unknown() }),
  z.strictObject({ kind: z.literal('failed'), id, failure: packedFailure }),
]);

/** What goes over the link: messages in their order. A socket goes with one that is alone. */
const messages = z.array(message);

type Message = z.output<typeof message>;

/** Each thing that is sent wakes the other process up, which costs more than the message does; nobody waits for what is told. */
const GATHER_MS = 5;

export interface ChannelOptions<Mine extends Calls, Theirs extends Calls> {
  /** What this side asks. */
  readonly asks: Theirs;
  /** What it answers. */
  readonly answers: Mine;
  readonly handlers: Handlers<Mine>;
  /** The other side sent what is no message of ours: nothing that it says can be relied on any more. */
  readonly onBroken: (error: Error) => void;
}

interface Waiting {
  readonly what: string;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Questions and answers over a link: every message is parsed, every question has an id and a deadline. */
export class Channel<Mine extends Calls, Theirs extends Calls> {
  readonly #link: Link;
  readonly #options: ChannelOptions<Mine, Theirs>;
  readonly #waiting = new Map<number, Waiting>();
  /** Not sent yet. */
  #outgoing: Message[] = [];
  #timer: NodeJS.Timeout | undefined;
  #nextId = 0;
  #isClosed = false;

  constructor(link: Link, options: ChannelOptions<Mine, Theirs>) {
    this.#link = link;
    this.#options = options;
    link.onMessage((message, socket) => this.#receive(message, socket));
    link.onClose(() => {
      this.#isClosed = true;
      clearTimeout(this.#timer);
      for (const { reject } of this.#waiting.values()) reject(gone());
      this.#waiting.clear();
    });
  }

  /** Nobody waits for what comes of it, so it goes out a moment later. */
  tell<K extends keyof Theirs & string>(what: K, body: z.input<NoInfer<Theirs>[K]['body']>): void {
    this.#outgoing.push({ kind: 'tell', what, body });
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  /**
   * @param socket goes with it, and is the other side's from then on
   * @throws the Failure that the other side answers with; `worker_lost` if it has gone or does not answer in time
   */
  async ask<K extends keyof Theirs & string>(
    what: K,
    body: z.input<NoInfer<Theirs>[K]['body']>,
    deadlineMs: number,
    socket?: Socket,
  ): Promise<Answer<Theirs, K>> {
    if (this.#isClosed) {
      socket?.destroy();
      throw gone();
    }
    const id = this.#nextId++;
    const answer = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Failure('worker_lost', `no answer to "${what}" within ${deadlineMs / 1000} s`));
      }, deadlineMs);
      timer.unref();
      this.#waiting.set(id, {
        what,
        resolve: (body) => {
          clearTimeout(timer);
          resolve(body);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#send({ kind: 'ask', id, what, body }, socket);
    });
    return answer as Answer<Theirs, K>;
  }

  /** The other side has gone: what waited for an answer has failed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** At once, with all that waits; with a socket, behind it. */
  #send(message: Message, socket?: Socket): void {
    if (socket !== undefined) this.#flush();
    this.#outgoing.push(message);
    this.#flush(socket);
  }

  #flush(socket?: Socket): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const outgoing = this.#outgoing;
    if (outgoing.length === 0) return;
    this.#outgoing = [];
    this.#link.send(outgoing, socket);
  }

  #receive(received: unknown, socket: Socket | undefined): void {
    const parsed = messages.safeParse(received);
    if (!parsed.success) return this.#broken('a message', parsed.error, socket);
    for (const message of parsed.data) this.#take(message, socket);
  }

  #take(message: Message, socket: Socket | undefined): void {
    if (message.kind === 'tell' || message.kind === 'ask') {
      const call = Object.hasOwn(this.#options.answers, message.what)
        ? this.#options.answers[message.what]
        : undefined;
      if (call === undefined) return this.#broken(message.what, 'nothing is known of it', socket);
      const body = call.body.safeParse(message.body);
      if (!body.success) return this.#broken(message.what, body.error, socket);
      void this.#handle(message.what, body.data, socket, message.kind === 'ask' ? message.id : undefined);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return; // it came after its deadline
    this.#waiting.delete(message.id);
    if (message.kind === 'failed') return waiting.reject(unpackFailure(message.failure));
    const answer = this.#options.asks[waiting.what]!.answer.safeParse(message.body);
    if (answer.success) return waiting.resolve(answer.data);
    waiting.reject(new Failure('worker_lost', `the answer to "${waiting.what}" makes no sense`));
    this.#broken(`the answer to ${waiting.what}`, answer.error);
  }

  async #handle(what: string, body: unknown, socket: Socket | undefined, id?: number): Promise<void> {
    try {
      const handler = this.#options.handlers[what]!;
      const answer: unknown = await handler(body as Body<Mine, string>, socket);
      if (id !== undefined) this.#send({ kind: 'answer', id, body: answer });
    } catch (error) {
      const failure = Failure.from(error);
      if (id !== undefined) this.#send({ kind: 'failed', id, failure: packFailure(failure) });
      else this.#broken(what, failure);
    }
  }

  #broken(what: string, why: Error | string, socket?: Socket): void {
    socket?.destroy();
    const reason =
      why instanceof z.ZodError ? z.prettifyError(why) : why instanceof Error ? why.message : why;
    this.#options.onBroken(new Error(`${what}: ${reason}`));
  }
}

const gone = (): Failure => new Failure('worker_lost', 'the other process has gone');
