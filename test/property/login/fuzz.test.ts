import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { BHS_LENGTH } from '../../../src/iscsi/bhs.ts';
import type { Pdu } from '../../../src/iscsi/pdu.ts';
import { PduReader } from '../../../src/iscsi/pduReader.ts';
import { ProtocolError } from '../../../src/iscsi/protocolError.ts';
import { MAX_TEXT_LENGTH } from '../../../src/iscsi/text.ts';
import { InitiatorLogin } from '../../../src/login/initiatorLogin.ts';
import { answerOffers } from '../../../src/login/negotiation.ts';
import { PassThroughNegotiation } from '../../../src/login/passThrough.ts';
import { damage, damaged, inChunks, timeBoxed, type Damage } from '../../support/fuzz.ts';
import { INITIATOR, TARGET, LoginConversation } from '../../support/loginConversation.ts';
import {
  chapRequirement,
  ISID,
  MUTUAL,
  pdu,
  repeatableChallenges,
  TASK_TAG,
} from '../../support/loginMessages.ts';

const LIMITS = { maxAhsLength: 0, maxDataSegmentLength: MAX_TEXT_LENGTH };
const LONGEST = BHS_LENGTH + MAX_TEXT_LENGTH;
const OFFERS = [
  ['HeaderDigest', 'CRC32C,None'],
  ['MaxBurstLength', '16776192'],
  ['X-vendor', 'yes'],
  ['MaxRecvDataSegmentLength', '262144'],
] as const;

function initiator(chap: boolean): InitiatorLogin {
  return new InitiatorLogin({
    initiatorName: INITIATOR,
    sessionType: 'Normal',
    targetName: TARGET,
    isid: ISID,
    cid: 1,
    initiatorTaskTag: TASK_TAG,
    cmdSN: 7,
    challenges: repeatableChallenges('initiator'),
    ...(chap && { chap: chapRequirement({ mutual: MUTUAL }) }),
  });
}

function target(chap: boolean): LoginConversation {
  const negotiation = new PassThroughNegotiation();
  return new LoginConversation({
    negotiate: (keys) => {
      const offers = new Map(negotiation.fromInitiator(keys));
      return negotiation.fromTarget(new Map(answerOffers(offers, new Map())));
    },
    challenges: repeatableChallenges('target'),
    ...(chap && { chap: chapRequirement({ mutual: MUTUAL }) }),
  });
}

/** A whole login of both machines: all that each of them sent. Challenges repeat, so it can be played to either again. */
function recorded(chap: boolean): { requests: Buffer; responses: Buffer } {
  const machine = initiator(chap);
  const conversation = target(chap);
  const requests: Buffer[] = [machine.start()];
  const responses: Buffer[] = [];
  for (;;) {
    const response = conversation.askForBytes(pdu(requests.at(-1)!));
    responses.push(response);
    const step = machine.receive(pdu(response));
    if (step.kind === 'negotiated') break;
    requests.push(step.kind === 'send' ? step.request : machine.negotiate(OFFERS, true));
  }
  return { requests: Buffer.concat(requests), responses: Buffer.concat(responses) };
}

const RECORDED = { plain: recorded(false), chap: recorded(true) };

interface Peer {
  /** Takes a PDU; false when the login is over. */
  take(pdu: Pdu): boolean;
  end(): void;
}

/** Plays a stream to one machine as the network would, and ends the login as its owner would. */
function play(stream: Buffer, chunks: readonly number[], peer: Peer): number {
  const reader = new PduReader(LIMITS);
  let taken = 0;
  try {
    for (const chunk of inChunks(stream, chunks)) {
      reader.push(chunk);
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        taken++;
        if (!peer.take(next)) return taken;
      }
      expect(reader.buffered).toBeLessThanOrEqual(LONGEST + 3);
    }
  } catch (error) {
    if (!(error instanceof Failure) && !(error instanceof ProtocolError)) throw error;
  } finally {
    peer.end();
  }
  return taken;
}

function playToTarget(stream: Buffer, { chunks }: Pick<Damage, 'chunks'>, chap: boolean): LoginConversation {
  const conversation = target(chap);
  const taken = play(stream, chunks, {
    take: (request) => {
      expect(conversation.askForBytes(request).length).toBeLessThanOrEqual(LONGEST);
      return true;
    },
    end: () => conversation.login.end(),
  });
  expect(taken).toBeLessThanOrEqual(33);
  return conversation;
}

function playToInitiator(stream: Buffer, { chunks }: Pick<Damage, 'chunks'>, chap: boolean): boolean {
  const machine = initiator(chap);
  machine.start();
  let isLoggedIn = false;
  const taken = play(stream, chunks, {
    take: (response) => {
      const step = machine.receive(response);
      if (step.kind === 'secured') machine.negotiate(OFFERS, true);
      if (step.kind === 'negotiated' && !step.transit) machine.negotiate([], true);
      if (step.kind === 'negotiated') isLoggedIn = step.transit;
      return step.kind !== 'redirect' && !isLoggedIn;
    },
    end: () => {},
  });
  expect(taken).toBeLessThanOrEqual(33);
  return isLoggedIn;
}

const WHOLE = { chunks: [] };

test.each([true, false])('undamaged, the recorded login leads to its end (with CHAP: %s)', (chap) => {
  const { requests, responses } = chap ? RECORDED.chap : RECORDED.plain;
  expect(playToTarget(requests, WHOLE, chap).authenticated).toBeDefined();
  expect(playToInitiator(responses, WHOLE, chap)).toBe(true);
});

/** A damaged login, of either kind, or bytes without sense. */
const stream = (kind: 'requests' | 'responses') =>
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({ damage, chap: fc.boolean() }).map(({ damage, chap }) => ({
        bytes: damaged((chap ? RECORDED.chap : RECORDED.plain)[kind], damage),
        chunks: damage.chunks,
        chap,
      })),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        bytes: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
        chunks: damage.map(({ chunks }) => chunks),
        chap: fc.boolean(),
      }),
    },
  );

test('whatever an initiator sends, its login ends in a Failure or goes on within its bounds', () => {
  fc.assert(
    fc.property(stream('requests'), ({ bytes, chunks, chap }) => {
      playToTarget(bytes, { chunks }, chap);
    }),
    timeBoxed('fuzzing the target login', 0.5),
  );
});

test('whatever a target sends, our login ends in a Failure or goes on within its bounds', () => {
  fc.assert(
    fc.property(stream('responses'), ({ bytes, chunks, chap }) => {
      playToInitiator(bytes, { chunks }, chap);
    }),
    timeBoxed('fuzzing the initiator login', 0.5),
  );
});
