import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { explain, type Explanation } from '../../../src/explain/explanation.ts';
import { commandRequest, REQUEST_CLASSES, taskManagementRequest } from '../../../src/explain/request.ts';
import { addressSet, parseAddressRange } from '../../../src/config/addressSet.ts';
import { Failure } from '../../../src/failures.ts';
import { opcodeAt } from '../../../src/iscsi/bhs.ts';
import { describeLoginStatus } from '../../../src/iscsi/loginStatus.ts';
import { encodeLun } from '../../../src/iscsi/lun.ts';
import { decodeBhs } from '../../../src/iscsi/layouts.ts';
import { Opcode } from '../../../src/iscsi/opcode.ts';
import { TaskFunction } from '../../../src/iscsi/taskManagement.ts';
import { TargetLogin } from '../../../src/login/targetLogin.ts';
import { Policy, type Admission } from '../../../src/policy/policy.ts';
import { PERMISSIONS, type InitiatorRule } from '../../../src/policy/rules.ts';
import type { Subject } from '../../../src/policy/subject.ts';
import { accessRule, certificate, DB1, initiatorRule } from '../../support/initiatorRule.ts';
import { loginRequest, pdu, readLoginResponse, repeatableChallenges } from '../../support/loginMessages.ts';
import { answerPing } from '../../support/refusals.ts';
import { Relayed, STAT_SN } from '../../support/relayed.ts';

const DB2 = 'iqn.1993-08.org.debian:01:db2';
const TARGETS = [
  'iqn.2001-05.com.equallogic:a-db1-b',
  'iqn.2001-05.com.equallogic:c',
  'eui.0123456789abcdef',
];

const anyAccess = fc.record(
  {
    target: fc.constantFrom('*', 'iqn.*', 'iqn.2001-05.com.equallogic:*-db1-*', 'eui.*', ...TARGETS),
    luns: fc.uniqueArray(fc.constantFrom(0, 1, 2, 255, 256, 16383), { minLength: 1 }),
    mode: fc.constantFrom('read-only' as const, 'read-write' as const),
    allow: fc.subarray([...PERMISSIONS]),
  },
  { requiredKeys: ['target', 'mode', 'allow'] },
);

const anyRule = fc.record({
  iqn: fc.constantFrom(DB1, DB2),
  certificate: fc.constantFrom(
    { kind: 'uri' as const, value: 'spiffe://example.org/db1' },
    { kind: 'dns' as const, value: 'DB1.example.org' },
    { kind: 'cn' as const, value: 'db1' },
    { kind: 'sha256' as const, value: 'ab'.repeat(32) },
  ),
  from: fc.constantFrom('203.0.113.0/24', '203.0.113.7', '2001:db8::/48', '0.0.0.0/0', '::/0'),
  shadow: fc.boolean(),
  access: fc.array(anyAccess, { maxLength: 4 }),
});

const anyCertificate = fc.constantFrom(
  certificate(),
  certificate({ uri: [], cn: 'db2' }),
  certificate({ dns: [], sha256: 'cd'.repeat(32) }),
);

const anyLun = fc.oneof(fc.nat(3), fc.constantFrom(255, 256, 257, 16383));
const anyCode = fc.record(
  { operationCode: fc.nat(255), serviceAction: fc.nat(31) },
  { requiredKeys: ['operationCode'] },
);
/** Those that are judged by more than their operation code. */
const aSpecialCode = fc.constantFrom(
  { operationCode: 0x12 },
  { operationCode: 0x12, serviceAction: 0x01 },
  { operationCode: 0xa0 },
  { operationCode: 0x5f },
  { operationCode: 0x7f, serviceAction: 0x09 },
  { operationCode: 0x7f, serviceAction: 0x0b },
  { operationCode: 0x9e, serviceAction: 0x10 },
  { operationCode: 0xa3, serviceAction: 0x0c },
);
const anyRequest = fc.oneof(
  { weight: 3, arbitrary: anyCode },
  { weight: 2, arbitrary: aSpecialCode },
  { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(TaskFunction) as (keyof typeof TaskFunction)[])) },
);

type Code = typeof anyCode extends fc.Arbitrary<infer T> ? T : never;
type Asked = Code | keyof typeof TaskFunction;
type Outcome = Pick<Explanation, 'verdict'> & { readonly told?: string };

test('what explain says of a login and of a request in its session is what login and relay do', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.uniqueArray(anyRule, { maxLength: 2, selector: ({ iqn }) => iqn }),
      fc.record({
        initiatorName: fc.constantFrom(DB1, DB1, DB1, DB2),
        certificate: anyCertificate,
        address: fc.constantFrom('203.0.113.7', '198.51.100.1', '2001:db8::7'),
      }),
      fc.constantFrom(...TARGETS),
      anyLun,
      anyRequest,
      (written, subject, target, lun, asked) => {
        const rules = written.map(rule);
        const request = typeof asked === 'string' ? taskManagementRequest(asked) : commandRequest(asked);
        const actual = reallyAsk(rules, subject, target, lun, asked);
        const said = explain(rules, { subject, target, lun, request });
        seen.add(actual.verdict);
        expect(said.verdict).toBe(actual.verdict);
        if (actual.verdict === 'denied') expect(said.told).toContain(actual.told);
        expect(said.told === undefined).toBe(said.verdict === 'allowed');
      },
    ),
    { numRuns: 3000 },
  );
  expect(seen).toEqual(new Set(['allowed', 'denied', 'shadowed']));
});

test('what the matrix says of a group of logical units is what is said of each of them', () => {
  fc.assert(
    fc.property(anyRule, anyLun, fc.constantFrom(...REQUEST_CLASSES), (written, lun, name) => {
      const subject = { initiatorName: written.iqn };
      for (const target of TARGETS) {
        const ofTarget = { subject, target };
        const row = explain([rule(written)], ofTarget).matrix?.[0];
        const group =
          row?.luns.find(({ luns }) => luns?.includes(lun)) ?? row?.luns.find(({ luns }) => luns === null);
        if (group === undefined) continue;
        const one = explain([rule(written)], { ...ofTarget, lun }).matrix![0]!.luns[0]!;
        expect(group.visible).toBe(one.visible);
        expect(group.requests?.[name]).toBe(one.requests?.[name]);
      }
    }),
  );
});

function rule({
  from,
  access,
  ...rest
}: typeof anyRule extends fc.Arbitrary<infer T> ? T : never): InitiatorRule {
  return initiatorRule({
    ...rest,
    from: addressSet([parseAddressRange(from)]),
    access: access.map((entry, at) => accessRule({ ...entry, location: `gateway.yaml:${at + 20}:9` })),
  });
}

/** Logs in and sends the request through a relay, and sees what comes of it. */
function reallyAsk(
  rules: readonly InitiatorRule[],
  subject: Subject,
  target: string,
  lun: number,
  asked: Asked,
): Outcome {
  const policy = new Policy(rules);
  const exchange = new TargetLogin<Admission>({
    admit: ({ initiatorName }) => ({ admission: policy.admit({ ...subject, initiatorName }) }),
    challenges: repeatableChallenges(),
    targetPortalGroupTag: 1,
    initialStatSN: 0,
  });
  const hello = loginRequest(
    { transit: true, currentStage: 1, nextStage: 3 },
    { InitiatorName: subject.initiatorName, SessionType: 'Normal', TargetName: target },
  );
  try {
    const step = exchange.receive(hello);
    if (step.kind !== 'authenticated') throw new Error(`the login ended in ${step.kind}`);
    const authorization = policy.authorize(step.login.admission, target);
    const outcome = send(new Relayed({ proofs: { login: step.login, authorization } }), lun, asked);
    const isThereOnlyInShadow = authorization.shadowed !== undefined;
    return outcome.verdict === 'allowed' && isThereOnlyInShadow ? { verdict: 'shadowed' } : outcome;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { status } = readLoginResponse(pdu(exchange.refusal(error)!));
    return { verdict: 'denied', told: describeLoginStatus(status) };
  }
}

function send(relayed: Relayed, lun: number, asked: Asked): Outcome {
  const fields = { final: true, initiatorTaskTag: 1, expStatSN: STAT_SN, lun: encodeLun(lun) };
  if (typeof asked === 'string') {
    relayed.request('taskManagementRequest', { ...fields, function: TaskFunction[asked] });
  } else {
    relayed.request('scsiCommand', { ...fields, ...dataExpected(asked.operationCode), cdb: cdbOf(asked) });
  }
  const reached = opcodeAt(relayed.at('target')[0]!.bhs, 0);
  if (reached !== Opcode.nopOut) {
    return { verdict: relayed.denied.length === 0 ? 'allowed' : 'shadowed' };
  }
  answerPing(relayed, 1);
  const { bhs, data } = relayed.at('initiator')[0]!;
  switch (opcodeAt(bhs, 0)) {
    case Opcode.dataIn:
      return { verdict: 'denied', told: `begins with ${data.subarray(0, 1).toString('hex').toUpperCase()}h` };
    case Opcode.taskManagementResponse:
      return { verdict: 'denied', told: `response ${decodeBhs('taskManagementResponse', bhs).response} ` };
    default: {
      const [key, ...additional] = [data[2 + 2]! & 0x0f, data[2 + 12]!, data[2 + 13]!];
      const digits = Buffer.from([key, ...additional])
        .toString('hex')
        .toUpperCase()
        .match(/../g)!;
      return { verdict: 'denied', told: `CHECK CONDITION, sense ${digits.join('/')}` };
    }
  }
}

/** INQUIRY is answered with data, if there is room for it. */
function dataExpected(operationCode: number): { read?: boolean; expectedDataTransferLength?: number } {
  return operationCode === 0x12 ? { read: true, expectedDataTransferLength: 96 } : {};
}

function cdbOf({ operationCode, serviceAction = 0 }: Code): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = operationCode;
  if (operationCode === 0x7f) cdb[9] = serviceAction;
  else cdb[1] = serviceAction;
  if (operationCode === 0x12) cdb[4] = 96;
  return cdb;
}
