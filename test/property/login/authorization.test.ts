import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../../src/failures.ts';
import { encodePdu } from '../../../src/iscsi/pdu.ts';
import { ProtocolError } from '../../../src/iscsi/protocolError.ts';
import { encodeText, type TextKeys } from '../../../src/iscsi/text.ts';
import type { AuthenticatedLogin } from '../../../src/login/targetLogin.ts';
import {
  chapProof,
  challengedConversation,
  NAMES,
  LoginConversation,
} from '../../support/loginConversation.ts';
import {
  chapRequirement,
  ISID,
  MUTUAL,
  pdu,
  readResponse,
  repeatableChallenges,
  secretOf,
  TASK_TAG,
} from '../../support/loginMessages.ts';

const TO_OPERATIONAL = { transit: true, continues: false, currentStage: 0, nextStage: 1 };

const flags = fc.oneof(
  { weight: 4, arbitrary: fc.constant(TO_OPERATIONAL) },
  { weight: 1, arbitrary: fc.constant({ transit: true, continues: false, currentStage: 1, nextStage: 3 }) },
  { weight: 1, arbitrary: fc.constant({ transit: true, continues: false, currentStage: 0, nextStage: 3 }) },
  {
    weight: 2,
    arbitrary: fc.record({
      transit: fc.boolean(),
      continues: fc.boolean(),
      currentStage: fc.integer({ min: 0, max: 3 }),
      nextStage: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

/** What a message says; a proof is made for the challenge that came last. */
const said = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('method', 'algorithm', 'wrong secret', 'another name') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'names alone',
      'no method',
      'empty proof',
      'recorded proof',
      'reflection',
      'proof without name',
      'other names',
      'nothing',
    ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)) },
);

type Said = typeof said extends fc.Arbitrary<infer T> ? T : never;

const moves = fc.array(
  fc.record({
    said,
    flags,
    /** Bytes of the finished PDU that are overwritten. */
    damage: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      {
        weight: 1,
        arbitrary: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
      },
    ),
  }),
  { maxLength: 12 },
);

const EARLIER = chapProof(challengedConversation({ challenges: repeatableChallenges('earlier') }).challenge);

function text(what: Said, challenge: TextKeys | undefined): Buffer {
  if (Buffer.isBuffer(what)) return what;
  const proof = (secret: string): { CHAP_N: string; CHAP_R: string } =>
    challenge === undefined
      ? { CHAP_N: 'db1', CHAP_R: '0x00' }
      : chapProof({ keys: challenge }, secretOf(secret));
  const keys: Record<Exclude<Said, Buffer>, Record<string, string>> = {
    method: { ...NAMES, AuthMethod: 'CHAP,None' },
    algorithm: { CHAP_A: '5' },
    'wrong secret': proof('initiator-secre'),
    'another name': { ...proof('initiator-secret'), CHAP_N: 'db2' },
    'names alone': NAMES,
    'no method': { ...NAMES, AuthMethod: 'None' },
    'empty proof': { CHAP_N: 'db1', CHAP_R: '0x' },
    'recorded proof': EARLIER,
    reflection: { ...proof('wrong'), CHAP_I: '1', CHAP_C: challenge?.get('CHAP_C') ?? '0x00' },
    'proof without name': { CHAP_R: proof('initiator-secret').CHAP_R },
    'other names': { ...NAMES, InitiatorName: 'iqn.1993-08.org.debian:01:db2', AuthMethod: 'CHAP' },
    nothing: {},
  };
  return encodeText(Object.entries(keys[what]));
}

test('no sequence of login PDUs authenticates that does not hold the right response', () => {
  fc.assert(
    fc.property(moves, fc.boolean(), (sequence, isMutual) => {
      const chap = chapRequirement(isMutual ? { mutual: MUTUAL } : {});
      const conversation = new LoginConversation({ chap });
      let challenge: TextKeys | undefined;
      for (const { said, flags, damage } of sequence) {
        const fields = { immediate: true, isid: ISID, initiatorTaskTag: TASK_TAG, ...flags };
        const request = pdu(encodePdu('loginRequest', fields, text(said, challenge)));
        for (const [at, value] of damage) {
          const part = at % 2 === 0 || request.data.length === 0 ? request.bhs : request.data;
          part[at % part.length] = value;
        }
        try {
          const { keys } = readResponse(conversation.askForBytes(request));
          if (keys.has('CHAP_C')) challenge = keys;
        } catch (error) {
          // Whatever ended the login, the peer goes on talking.
          if (!(error instanceof Failure) && !(error instanceof ProtocolError)) throw error;
        }
        expect(conversation.authenticated).toBeUndefined();
      }
    }),
    { numRuns: 5000 },
  );
});

test('the same sequences with the right response in their midst do authenticate', () => {
  const { conversation, challenge } = challengedConversation();
  const fields = { immediate: true, isid: ISID, initiatorTaskTag: TASK_TAG, cid: 1, ...TO_OPERATIONAL };
  conversation.ask(pdu(encodePdu('loginRequest', fields, encodeText(Object.entries(chapProof(challenge))))));
  expect(conversation.authenticated).toBeDefined();
});

test('no authenticated login comes from anywhere else: its constructor is no way round', () => {
  const { conversation, challenge } = challengedConversation();
  const fields = { immediate: true, isid: ISID, initiatorTaskTag: TASK_TAG, cid: 1, ...TO_OPERATIONAL };
  conversation.ask(pdu(encodePdu('loginRequest', fields, encodeText(Object.entries(chapProof(challenge))))));
  const genuine = conversation.authenticated!;
  const { identity, admission, opening } = genuine;
  const Forger = genuine.constructor as unknown as (new (
    ...parts: unknown[]
  ) => AuthenticatedLogin<string>) & { isGenuine(value: object): boolean };
  const forgeries = [
    new Forger(identity, admission, opening),
    Object.assign(Object.create(Forger.prototype as object) as object, genuine),
    Object.assign({}, genuine),
    structuredClone({ identity, admission, opening }),
  ];
  expect(Forger.isGenuine(genuine)).toBe(true);
  for (const forgery of forgeries) expect(Forger.isGenuine(forgery)).toBe(false);
});
