import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { serialAdd } from '../../../src/iscsi/serialArithmetic.ts';
import type { Authorization } from '../../../src/policy/policy.ts';
import { authenticated, reauthorized, type Proofs } from '../../support/authenticated.ts';
import { timeBoxed } from '../../support/fuzz.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { LOGOUT_SECONDS, ModelInitiator } from '../../support/refusalModel/initiator.ts';
import { POLICIES, POLICY_NAMES, type ModelPolicy } from '../../support/refusalModel/policies.ts';
import { Dice, must, Wire } from '../../support/refusalModel/shared.ts';
import { ModelTarget } from '../../support/refusalModel/target.ts';
import { Relayed } from '../../support/relayed.ts';

/** REFUSALS=1000000 runs that many commands; without it the property runs for its share of FUZZ_SECONDS. */
const COMMANDS = Number(process.env['REFUSALS'] ?? 0);
const COMMANDS_A_RUN = 500;
const HOUR = 3_600_000;

/** A session begins under one policy and comes under others: as often as this, and not at all in some. */
const TURNS_A_CHANGE = [40, 400, 1_000_000];
const TURNS_A_LOGOUT_REQUEST = 1000;

const from = (make: (name: ModelPolicy) => unknown) => POLICY_NAMES.map((name) => [name, make(name)]);
const proofs = Object.fromEntries(
  from((name) => authenticated(DISK, DISK, POLICIES[name].access, POLICIES[name].rule)),
) as Record<ModelPolicy, Proofs>;
const authorizations = Object.fromEntries(
  from((name) => reauthorized(POLICIES[name].access, { rule: POLICIES[name].rule })),
) as Record<ModelPolicy, Authorization>;
const serials = [0, 1000, 0x7fffffff, 0xffffff00, 0xffffffff];

/** One session, all of it decided by the seed. */
function converse(seed: number): void {
  const dice = new Dice(seed);
  const digests = { header: dice.once(2), data: dice.once(2) };
  const policy = dice.pick(POLICY_NAMES);
  const turnsAChange = dice.pick(TURNS_A_CHANGE);
  const [statSN, expStatSN, cmdSN] = [dice.pick(serials), dice.pick(serials), dice.pick(serials)];
  const window = 1 + dice.below(20);
  const wires = { initiator: new Wire(dice, digests), target: new Wire(dice, digests) };
  const commandWindow = { expCmdSN: cmdSN, maxCmdSN: serialAdd(cmdSN, window - 1) };
  const relayed = new Relayed({ proofs: proofs[policy], digests, statSN, expStatSN, commandWindow });
  const commands = COMMANDS_A_RUN;
  const initiator = new ModelInitiator(dice, wires.initiator, digests, {
    policy,
    commands,
    statSN,
    cmdSN,
    window,
  });
  const target = new ModelTarget(dice, wires.target, digests, { statSN: expStatSN, cmdSN, window }, (mark) =>
    initiator.isForTarget(mark),
  );
  const isOver = () =>
    initiator.isDone && target.isIdle && !wires.initiator.hasUnsent && !wires.target.hasUnsent;
  let isLogoutRequested = false;
  for (let step = 0; !isOver(); step++) {
    must(step < 1000 * COMMANDS_A_RUN, 'an answer was lost');
    if (dice.once(turnsAChange)) {
      const next = dice.pick(POLICY_NAMES);
      relayed.relay.changeAccess(authorizations[next]);
      initiator.changePolicy(next);
    }
    if (dice.once(TURNS_A_LOGOUT_REQUEST)) {
      relayed.relay.requestLogout(LOGOUT_SECONDS);
      isLogoutRequested = true;
    }
    const turn = dice.below(4);
    if (turn === 0) initiator.act();
    else if (turn === 1) target.act();
    else if (turn === 2 && wires.initiator.hasUnsent) relayed.relay.fromInitiator(wires.initiator.chunk());
    else if (turn === 3 && wires.target.hasUnsent) relayed.relay.fromTarget(wires.target.chunk());
    for (const side of ['initiator', 'target'] as const) wires[side].receive(relayed.bytesAt(side));
    target.receive();
    initiator.receive(target.toldMaxCmdSN);
  }
  expect(initiator.logoutRequests).toBe(isLogoutRequested ? 1 : 0);
  expect(wires.initiator.isAtBoundary && wires.target.isAtBoundary).toBe(true);
}

test(
  'whatever is refused, however policy changes meanwhile, each command is answered once, no number is left out on either leg, and nothing refused reaches the target',
  () => {
    const seeds = fc.noShrink(fc.integer({ min: 0, max: 0xffffffff }));
    const settings =
      COMMANDS > 0 ? { numRuns: Math.ceil(COMMANDS / COMMANDS_A_RUN) } : timeBoxed<[number]>('refusals', 0.5);
    fc.assert(fc.property(seeds, converse), settings);
  },
  COMMANDS > 0 ? HOUR : undefined,
);
