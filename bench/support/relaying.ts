import { Ledger } from '../../src/accounting/ledger.ts';
import type { NegotiatedParameters } from '../../src/login/negotiation.ts';
import { describeDenied } from '../../src/relay/access.ts';
import { Relay } from '../../src/relay/relay.ts';
import { authenticated } from '../../test/support/authenticated.ts';
import { DISK } from '../../test/support/initiatorRule.ts';
import { TAGS, type Workload } from '../workloads.ts';
import { spread } from './statistics.ts';

/** What becomes of a chunk between two sockets. */
export interface Transform {
  readonly fromInitiator: (chunk: Buffer) => void;
  readonly fromTarget: (chunk: Buffer) => void;
}

export type MakeTransform = (ends: {
  readonly toTarget: (view: Buffer) => void;
  readonly toInitiator: (view: Buffer) => void;
}) => Transform;

/** As libuv reads from a socket. */
const CHUNK = 64 * 1024;
const MEMORY_ROUNDS = 2000;

const parameters: NegotiatedParameters = {
  digests: { header: false, data: false },
  maxRecvDataSegmentLength: { initiator: 262144, target: 8192 },
  initialR2T: false,
  immediateData: true,
  maxBurstLength: 262144,
  firstBurstLength: 65536,
  maxOutstandingR2T: 1,
};

/** A gateway that only copies. */
export const copied: MakeTransform = ({ toTarget, toInitiator }) => ({
  fromInitiator: (chunk) => toTarget(chunk),
  fromTarget: (chunk) => toInitiator(chunk),
});

/** The relay of a session that policy lets do its work. @param isAccounted there is a ledger too */
export const relayed =
  ({ access }: Workload, isAccounted: boolean): MakeTransform =>
  ({ toTarget, toInitiator }) => {
    const ledger = new Ledger({ now: () => performance.now() });
    const relay = new Relay({
      ...authenticated(DISK, DISK, access),
      parameters,
      statSN: 1000,
      expStatSN: 500,
      commandWindow: { expCmdSN: 1, maxCmdSN: 64 },
      record: { name: DISK, addresses: [] },
      ...(isAccounted && { recorder: ledger.open({ initiator: 'db1', target: DISK }) }),
      onNotable: () => {},
      onDenied: (denied) => {
        throw new Error(`the workload is refused: ${describeDenied(denied)}`);
      },
      toTarget,
      toInitiator,
    });
    return {
      fromInitiator: (chunk) => relay.fromInitiator(chunk),
      fromTarget: (chunk) => relay.fromTarget(chunk),
    };
  };

/**
 * Without sockets: chunks as a socket would give them, a depth of commands at a time; what is passed on goes nowhere.
 *
 * @returns nanoseconds an exchange, of each
 */
export function inMemory(workload: Workload, makers: readonly MakeTransform[]): number[] {
  const transforms = makers.map((make) => make({ toTarget: () => {}, toInitiator: () => {} }));
  const chunks = Array.from({ length: TAGS / workload.depth }, (_, i) => {
    const [from, to] = [i * workload.depth, (i + 1) * workload.depth];
    return {
      requests: inChunks(Buffer.concat(workload.requests.slice(from, to))),
      responses: inChunks(Buffer.concat(workload.responses.slice(from, to))),
    };
  });
  const times = transforms.map((): number[] => []);
  for (let round = 0; round < MEMORY_ROUNDS; round++) {
    for (const [i, { fromInitiator, fromTarget }] of transforms.entries()) {
      const start = process.hrtime.bigint();
      for (const { requests, responses } of chunks) {
        for (const chunk of requests) fromInitiator(chunk);
        for (const chunk of responses) fromTarget(chunk);
      }
      times[i]!.push(Number(process.hrtime.bigint() - start) / TAGS);
    }
  }
  return times.map((values) => spread(values.slice(MEMORY_ROUNDS / 2)).median);
}

function inChunks(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK);
  return Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(i * CHUNK, (i + 1) * CHUNK)));
}
