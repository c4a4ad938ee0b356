import type { Resources } from '../../test/interop/support/resources.ts';
import type { Certificates } from '../support/certificates.ts';
import type { Program } from '../support/program.ts';
import type { Disk } from '../support/tgtd.ts';

/** What all paths lead to, and what they are made with. */
export interface Site {
  readonly opened: Resources;
  readonly certificates: Certificates;
  /** The array's. */
  readonly portal: string;
  readonly disk: Disk;
  /** For the ends that run in Node. */
  readonly nodeFlags: readonly string[];
  /** Processes that carry connections, in each end of sangate. */
  readonly workers: number;
  /** Another checkout of sangate, built, to be measured beside this one. */
  readonly beside?: string;
  /** What the client end is to dial instead of the server end's own address: something slow between them, say. */
  readonly between?: (address: string) => Promise<string>;
}

/** A way from the initiator to the disk. */
export interface Path {
  /** Where initiators dial. */
  readonly portal: string;
  /** The disk, with what they prove there: on the way that has CHAP on each leg it is not what the array asks for. */
  readonly disk: Disk;
  /** The two ends of a tunnel. */
  readonly tunnel?: {
    readonly client: Program;
    readonly server: Program;
    /** Where the server end takes TLS. */
    readonly address: string;
  };
}

export type StartPath = (site: Site) => Promise<Path>;

export async function clientDials({ between }: Site, address: string): Promise<string> {
  return between ? between(address) : address;
}
