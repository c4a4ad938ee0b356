import type { ScsiResult } from '../../../src/target/scsiTask.ts';
import { Disk, hex, outcome, PORT_C, read16, u64, u8, write16 } from './disk.ts';

export const Action = {
  register: 0,
  reserve: 1,
  release: 2,
  clear: 3,
  preempt: 4,
  preemptAndAbort: 5,
  registerAndIgnore: 6,
};

interface OutFields {
  readonly key?: number;
  readonly newKey?: number;
  readonly type?: number;
  readonly flags?: number;
  readonly scope?: number;
}

/** A disk and what its registrants do to it; results are outcomes in words. */
export class SharedDisk extends Disk {
  async out(port: string, action: number, fields: OutFields = {}): Promise<string> {
    const parameters = hex(`${u64(fields.key ?? 0)} ${u64(fields.newKey ?? 0)} 00000000 00 000000`);
    parameters[20] = fields.flags ?? 0;
    const scopeType = ((fields.scope ?? 0) << 4) | (fields.type ?? 0);
    return this.said(`5f ${u8(action)} ${u8(scopeType)} 0000 00000018 00`, port, parameters);
  }

  async said(cdb: string, port: string, dataOut?: Buffer): Promise<string> {
    return outcome(await this.send(cdb, dataOut, port));
  }

  /** The nexus first says something else, as any does after login. */
  async register(port: string, key: number): Promise<void> {
    await this.send('00', undefined, port);
    const result = await this.out(port, Action.register, { newKey: key });
    if (result !== 'good') throw new Error(`registering for ${port}: ${result}`);
  }

  /** PERSISTENT RESERVE IN from a stranger. */
  async in(action: number, allocationLength = 1024): Promise<Buffer> {
    const cdb = `5e ${u8(action)} 0000000000 ${allocationLength.toString(16).padStart(4, '0')} 00`;
    const result: ScsiResult = await this.send(cdb, undefined, PORT_C);
    return result.dataIn!;
  }

  async keys(): Promise<number[]> {
    const data = await this.in(0);
    return Array.from({ length: data.readUInt32BE(4) / 8 }, (_, i) =>
      Number(data.readBigUInt64BE(8 + 8 * i)),
    );
  }

  async generation(): Promise<number> {
    return (await this.in(0)).readUInt32BE();
  }

  /** Key and type of the reservation, if there is one. */
  async reservation(): Promise<[key: number, type: number] | undefined> {
    const data = await this.in(1);
    return data.readUInt32BE(4) === 0 ? undefined : [Number(data.readBigUInt64BE(8)), data[21]!];
  }

  read(port: string): Promise<string> {
    return this.said(read16(0, 1), port);
  }

  write(port: string): Promise<string> {
    return this.said(write16(0, 1), port, Buffer.alloc(512));
  }

  ready(port: string): Promise<string> {
    return this.said('00', port);
  }
}
