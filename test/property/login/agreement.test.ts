import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { InitiatorLogin } from '../../../src/login/initiatorLogin.ts';
import { CHAP_ALGORITHMS, type ChapRequirement } from '../../../src/policy/chapRequirement.ts';
import { INITIATOR, TARGET, LoginConversation } from '../../support/loginConversation.ts';
import { ISID, pdu, repeatableChallenges, secretOf, TASK_TAG } from '../../support/loginMessages.ts';

/** Few values, so that the two sides often have the same; near misses among them. */
const credentials = fc
  .record({
    user: fc.constantFrom('db1', 'db1', 'db', 'DB1'),
    secret: fc.constantFrom('initiator-secret', 'initiator-secret', 'initiator-secre', 'another'),
  })
  .map(({ user, secret }) => ({ user, secret: secretOf(secret), text: `${user} ${secret}` }));

const chap = fc.option(
  fc.record({
    own: credentials,
    mutual: fc.option(credentials, { nil: undefined }),
    algorithms: fc.shuffledSubarray([...CHAP_ALGORITHMS], { minLength: 1 }),
  }),
  { freq: 6, nil: undefined },
);

type Chap = typeof chap extends fc.Arbitrary<infer T> ? T : never;

function requirement(side: Chap): { chap?: ChapRequirement } {
  if (side === undefined) return {};
  const { own, mutual, algorithms } = side;
  const { user, secret } = own;
  return { chap: { user, secret, algorithms, ...(mutual && { mutual }) } };
}

/** What the two say by themselves: may this initiator log in there, and be content? */
function agree(initiator: Chap, target: Chap): boolean {
  if (initiator === undefined || target === undefined) return initiator === target;
  const isProved = initiator.own.text === target.own.text;
  const haveAlgorithm = initiator.algorithms.some((algorithm) => target.algorithms.includes(algorithm));
  const isContent = initiator.mutual === undefined || initiator.mutual.text === target.mutual?.text;
  return isProved && haveAlgorithm && isContent;
}

function run(initiator: Chap, target: Chap): boolean {
  const theirs = repeatableChallenges('theirs');
  const conversation = new LoginConversation(requirement(target));
  const machine = new InitiatorLogin({
    initiatorName: INITIATOR,
    sessionType: 'Normal',
    targetName: TARGET,
    isid: ISID,
    cid: 0,
    initiatorTaskTag: TASK_TAG,
    cmdSN: 0,
    challenges: theirs,
    ...requirement(initiator),
  });
  let succeeded = false;
  try {
    let request = machine.start();
    while (!succeeded) {
      const step = machine.receive(pdu(conversation.askForBytes(pdu(request))));
      if (step.kind === 'redirect') throw new Error('nobody redirects here');
      if (step.kind === 'negotiated') succeeded = step.transit;
      request = step.kind === 'send' ? step.request : machine.negotiate([], true);
    }
    expect(machine.expStatSN).toBe(conversation.login.nextStatSN);
    expect(conversation.authenticated?.identity.initiatorName).toBe(INITIATOR);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  } finally {
    conversation.login.end();
  }
  return succeeded;
}

test('both machines together come to full feature phase exactly if their CHAP settings agree', () => {
  fc.assert(
    fc.property(chap, chap, (initiator, target) => {
      expect(run(initiator, target)).toBe(agree(initiator, target));
    }),
    { numRuns: 2000 },
  );
});

test('an initiator that has the settings of the target gets in', () => {
  fc.assert(
    fc.property(chap, (both) => {
      expect(run(both, both)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
