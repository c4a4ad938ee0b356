import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Status } from '../../src/status/status.ts';
import { startDelayingRelay } from './support/delayingRelay.ts';
import { reading, writing } from './support/loads.ts';
import { WIDE_OPEN } from './support/openSession.ts';
import { resources } from './support/resources.ts';
import { issueCertificates, startGateway, startStub } from './support/sangate.ts';
import { diskFile, Tgtd } from './support/tgtd.ts';
import { WritingInitiator, type ScsiCommand } from './support/writingInitiator.ts';

// Whose time it is: one session, one command at a time, with a relay on either side of the gateway that delays answers or does not.

const iqn = 'iqn.2024-01.test.sangate:db1';
const target = 'iqn.2024-01.test.sangate:timed';
const DELAY_MS = 20;
const TOLERANCE_MS = 2;
const COMMANDS = 36;
/** Of sums of seconds. */
const ROUNDING_MS = 1e-6;

/** Of a command; times in milliseconds. */
interface Shares {
  readonly array: number;
  readonly initiator: number;
}

const NO_DELAY: Shares = { array: 0, initiator: 0 };

const opened = resources(afterAll);
let admin: string;
let initiator: WritingInitiator;
/** What the relays add now. */
let delays: Shares = NO_DELAY;

beforeAll(async () => {
  const tgtd = await Tgtd.start(opened);
  const disk = await diskFile(await opened.directory(), 'disk.img', 1);
  const parameters = { ...WIDE_OPEN, FirstBurstLength: '65536' };
  await tgtd.addTarget(target, { luns: { 1: disk }, parameters });
  const certificates = await issueCertificates(opened);
  const far = await startDelayingRelay(opened, tgtd.portal, () => delays.array);
  const gateway = await startGateway(opened, {
    certificates,
    backends: [{ portals: [far] }],
    initiators: [{ iqn, targets: [target] }],
  });
  admin = gateway.admin;
  const stub = await startStub(opened, certificates, gateway.address);
  const portal = await startDelayingRelay(opened, stub.address, () => delays.initiator);
  initiator = await WritingInitiator.logIn(opened, { portal, target, iqn });
});

interface Work {
  readonly what: string;
  readonly ioClass: 'read' | 'write';
  readonly command: ScsiCommand;
  /** How often the gateway waits for each of the two: for an R2T or the status, and for the data that an R2T has asked for. */
  readonly waits: Shares;
}

const WORKS: readonly Work[] = [
  {
    what: '4 KiB read',
    ioClass: 'read',
    command: reading(0, 8),
    waits: { array: 1, initiator: 0 },
  },
  {
    what: '64 KiB read',
    ioClass: 'read',
    command: reading(0, 128),
    waits: { array: 1, initiator: 0 },
  },
  {
    what: '4 KiB written as immediate data',
    ioClass: 'write',
    command: writing(0, 8, 'immediate'),
    waits: { array: 1, initiator: 0 },
  },
  {
    what: '64 KiB written as unsolicited data',
    ioClass: 'write',
    command: writing(0, 128, 'unsolicited'),
    waits: { array: 1, initiator: 0 },
  },
  {
    what: '64 KiB written after an R2T',
    ioClass: 'write',
    command: writing(0, 128, 'solicited'),
    waits: { array: 2, initiator: 1 },
  },
];

test.each(WORKS)(
  '$what: 20 ms on the way to the array are 20 ms more for each time that it is waited for, and nothing for the initiator',
  async (work) => {
    const added = await addedBy({ array: DELAY_MS, initiator: 0 }, work);
    expectAbout(added.array, DELAY_MS * work.waits.array);
    expectAbout(added.initiator, 0);
  },
);

test.each(WORKS)(
  '$what: 20 ms on the way to the initiator are nothing for the array, and 20 ms more for each time that data is awaited',
  async (work) => {
    const added = await addedBy({ array: 0, initiator: DELAY_MS }, work);
    expectAbout(added.array, 0);
    expectAbout(added.initiator, DELAY_MS * work.waits.initiator);
  },
);

/** What these delays add to the shares, against the mean of how they were before and after. */
async function addedBy(by: Shares, work: Work): Promise<Shares> {
  const [before, far, after] = [
    await shares(NO_DELAY, work),
    await shares(by, work),
    await shares(NO_DELAY, work),
  ];
  console.log(work.what, JSON.stringify({ before, far, after }));
  const added = (who: keyof Shares): number => far[who] - (before[who] + after[who]) / 2;
  return { array: added('array'), initiator: added('initiator') };
}

/**
 * The shares that the gateway tells while the relays delay like this: what a quarter of the commands did not exceed. Whatever else the
 * machine does can only add to a time, and does so now and then.
 */
async function shares(added: Shares, { ioClass, command }: Work): Promise<Shares> {
  delays = added;
  const all: Shares[] = [];
  let before = await read(ioClass);
  for (let i = 0; i < COMMANDS; i++) {
    expect(await initiator.execute(command)).toMatchObject({ status: 0 });
    const after = await read(ioClass);
    const grown = (figure: keyof Figures): number => after[figure] - before[figure];
    expect(grown('commands')).toBe(1);
    // nothing is lost and nothing counted twice: of what is left, all is the gateway's
    const left = grown('duration') - grown('array') - grown('initiator');
    expect(left).toBeGreaterThanOrEqual(-ROUNDING_MS);
    expect(left).toBeLessThanOrEqual(grown('gateway') + ROUNDING_MS);
    all.push({ array: grown('array'), initiator: grown('initiator') });
    before = after;
  }
  const quartile = (who: keyof Shares): number =>
    all.map((each) => each[who]).toSorted((a, b) => a - b)[COMMANDS / 4 - 1]!;
  return { array: quartile('array'), initiator: quartile('initiator') };
}

/** What the gateway has counted; times in milliseconds. */
interface Figures extends Shares {
  readonly commands: number;
  readonly duration: number;
  readonly gateway: number;
}

/** From `/status.json`: unlike metrics, which one rendering tells to all who ask within a moment, it is read for each who asks. */
async function read(ioClass: Work['ioClass']): Promise<Figures> {
  const status = (await (await fetch(`http://${admin}/status.json`)).json()) as Status;
  const figures = status.accounts.find(({ lun }) => lun === '1')?.classes[ioClass];
  return {
    commands: figures?.duration.counts.reduce((sum, count) => sum + count) ?? 0,
    duration: 1000 * (figures?.duration.sum ?? 0),
    array: 1000 * (figures?.targetDuration.sum ?? 0),
    initiator: 1000 * (figures?.initiatorWaitSeconds ?? 0),
    gateway: 1000 * (figures?.gatewaySeconds ?? 0),
  };
}

function expectAbout(milliseconds: number, expected: number): void {
  expect(Math.abs(milliseconds - expected), `${milliseconds} ms for ${expected} ms`).toBeLessThanOrEqual(
    TOLERANCE_MS,
  );
}
