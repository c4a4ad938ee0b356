import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from './freePort.ts';
import { Program, run, runOk } from './process.ts';
import type { Resources } from './resources.ts';

export interface ChapAccount {
  readonly user: string;
  readonly secret: string;
}

export interface TargetOptions {
  /** Backing file by LUN. tgtd adds LUN 0, a controller, by itself. */
  readonly luns: Record<number, string>;
  /** Its logical units know UNMAP. */
  readonly thinProvisioning?: boolean;
  /** What initiators must know. */
  readonly incoming?: ChapAccount;
  /** What the target proves in mutual CHAP. */
  readonly outgoing?: ChapAccount;
  /** Asks for these accounts in discovery too, which tgtd otherwise leaves open. */
  readonly guardDiscovery?: boolean;
  /** What it is told to negotiate, by the names of the text keys: without, tgtd refuses header digests, for one. */
  readonly parameters?: Record<string, string>;
}

/** A private tgtd on a loopback port, open to every address; several may run side by side. */
export class Tgtd {
  readonly port: number;
  readonly #program: Program;
  readonly #control: Record<string, string>;
  #targets = 0;

  private constructor(port: number, program: Program, control: Record<string, string>) {
    this.port = port;
    this.#program = program;
    this.#control = control;
  }

  /** Starts on `port`, or on a free one. */
  static async start(opened: Resources, port?: number): Promise<Tgtd> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await Tgtd.#startOn(opened, port ?? (await freePort()));
      } catch (error) {
        if (port !== undefined || attempt === 5) throw error;
      }
    }
  }

  static async #startOn(opened: Resources, port: number): Promise<Tgtd> {
    // A control socket of its own keeps instances apart, without a table of control port numbers.
    const control = { TGT_IPC_SOCKET: path.join(await opened.directory(), 'control') };
    const program = new Program(opened, 'tgtd', ['-f', '--iscsi', `portal=127.0.0.1:${port}`], {
      env: control,
    });
    // The last line of its start; a port that is taken it reports before, and runs on without a portal.
    await program.find((line) => line.includes('bs_init') || undefined, { what: 'start of tgtd' });
    const { stdout, stderr } = await run('tgtadm', ['--lld', 'iscsi', '--op', 'show', '--mode', 'portal'], {
      env: control,
    });
    if (stdout.includes(`127.0.0.1:${port},`)) return new Tgtd(port, program, control);
    await program.stop();
    throw new Error(`tgtd has no portal on port ${port}\n${stderr}${program.lines.join('\n')}`);
  }

  get portal(): string {
    return `127.0.0.1:${this.port}`;
  }

  async addTarget(name: string, options: TargetOptions): Promise<void> {
    const tid = ['--tid', String(++this.#targets)];
    await this.#adm('new', 'target', ...tid, '--targetname', name);
    for (const [lun, file] of Object.entries(options.luns)) {
      const unit = ['logicalunit', ...tid, '--lun', lun] as const;
      await this.#adm('new', ...unit, '--backing-store', file);
      if (options.thinProvisioning) await this.#adm('update', ...unit, '--params', 'thin_provisioning=1');
    }
    // without a target, an account counts for discovery
    const scopes = options.guardDiscovery ? [tid, []] : [tid];
    if (options.incoming) await this.#addAccount(options.incoming, scopes);
    if (options.outgoing) await this.#addAccount(options.outgoing, scopes, '--outgoing');
    for (const [name, value] of Object.entries(options.parameters ?? {})) {
      await this.#adm('update', 'target', ...tid, '--name', name, '--value', value);
    }
    await this.#adm('bind', 'target', ...tid, '--initiator-address', 'ALL');
  }

  /** Pulls the plug: sessions break, the backing files stay. */
  async kill(): Promise<void> {
    await this.#program.stop();
  }

  async #addAccount(
    { user, secret }: ChapAccount,
    scopes: string[][],
    ...direction: string[]
  ): Promise<void> {
    await this.#adm('new', 'account', '--user', user, '--password', secret);
    for (const scope of scopes) await this.#adm('bind', 'account', ...scope, '--user', user, ...direction);
  }

  async #adm(op: string, mode: string, ...args: string[]): Promise<void> {
    await runOk('tgtadm', ['--lld', 'iscsi', '--op', op, '--mode', mode, ...args], { env: this.#control });
  }
}

/** An empty (sparse) backing file. */
export async function diskFile(directory: string, name: string, mebibytes: number): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, '');
  await truncate(file, mebibytes * 1024 * 1024);
  return file;
}
