import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { authenticated } from '../../support/authenticated.ts';
import { timeBoxed } from '../../support/fuzz.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { ModelInitiator } from '../../support/refusalModel/initiator.ts';
import { Dice, must, Wire } from '../../support/refusalModel/shared.ts';
import { ModelTarget } from '../../support/refusalModel/target.ts';
import { Relayed } from '../../support/relayed.ts';

/** REFUSALS=1000000 runs that many commands; without it the property runs for its share of FUZZ_SECONDS. */
const COMMANDS = Number(process.env['REFUSALS'] ?? 0);
const COMMANDS_A_RUN = 500;
const HOUR = 3_600_000;

const modes = ['read-only', 'read-write'] as const;
const proofs = {
  'read-only': authenticated(DISK, DISK, { luns: [0, 1], mode: 'read-only' }),
  'read-write': authenticated(DISK, DISK, { luns: [0, 1], mode: 'read-write' }),
};
const serials = [0, 1000, 0x7fffffff, 0xffffff00, 0xffffffff];

/** One session, all of it decided by the seed. */
function converse(seed: number): void {
  const dice = new Dice(seed);
  const digests = { header: dice.once(2), data: dice.once(2) };
  const mode = dice.pick(modes);
  const [statSN, expStatSN, cmdSN] = [dice.pick(serials), dice.pick(serials), dice.pick(serials)];
  const window = 1 + dice.below(20);
  const wires = { initiator: new Wire(dice, digests), target: new Wire(dice, digests) };
  const relayed = new Relayed({ proofs: proofs[mode], digests, statSN, expStatSN });
  const commands = COMMANDS_A_RUN;
  const initiator = new ModelInitiator(dice, wires.initiator, digests, {
    mode,
    commands,
    statSN,
    cmdSN,
    window,
  });
  const target = new ModelTarget(dice, wires.target, digests, { statSN: expStatSN, cmdSN, window });
  const isOver = () =>
    initiator.isDone && target.isIdle && !wires.initiator.hasUnsent && !wires.target.hasUnsent;
  for (let step = 0; !isOver(); step++) {
    must(step < 1000 * COMMANDS_A_RUN, 'an answer was lost');
    const turn = dice.below(4);
    if (turn === 0) initiator.act();
    else if (turn === 1) target.act();
    else if (turn === 2 && wires.initiator.hasUnsent) relayed.relay.fromInitiator(wires.initiator.chunk());
    else if (turn === 3 && wires.target.hasUnsent) relayed.relay.fromTarget(wires.target.chunk());
    for (const side of ['initiator', 'target'] as const) wires[side].receive(relayed.bytesAt(side));
    target.receive();
    initiator.receive(target.toldMaxCmdSN);
  }
  expect(wires.initiator.isAtBoundary && wires.target.isAtBoundary).toBe(true);
}

test(
  'whatever is refused, each command is answered once, no number is left out on either leg, and nothing refused reaches the target',
  () => {
    const seeds = fc.noShrink(fc.integer({ min: 0, max: 0xffffffff }));
    const settings =
      COMMANDS > 0 ? { numRuns: Math.ceil(COMMANDS / COMMANDS_A_RUN) } : timeBoxed<[number]>('refusals', 0.5);
    fc.assert(fc.property(seeds, converse), settings);
  },
  COMMANDS > 0 ? HOUR : undefined,
);
