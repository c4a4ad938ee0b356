import { expect, onTestFinished, test, vi } from 'vitest';
import { explain, type Explanation, type Question } from '../../../src/explain/explanation.ts';
import { parseRequest } from '../../../src/explain/parseRequest.ts';
import { RequestJudge } from '../../../src/explain/requestJudge.ts';
import { addressSet, parseAddressRange } from '../../../src/config/addressSet.ts';
import { CHAP_ALGORITHMS } from '../../../src/policy/chapRequirement.ts';
import { PERMISSIONS, type CertificateMatch, type InitiatorRule } from '../../../src/policy/rules.ts';
import { UNREAD_SECRET } from '../../../src/policy/secret.ts';
import { accessRule, certificate, DB1, DISK, initiatorRule } from '../../support/initiatorRule.ts';

const ask = (
  rule: Partial<InitiatorRule>,
  { subject, ...question }: Omit<Question, 'subject'> & { subject?: Partial<Question['subject']> } = {},
): Explanation =>
  explain([initiatorRule(rule)], { subject: { initiatorName: DB1, ...subject }, ...question });

const fitting = ({ parts }: Explanation) =>
  Object.fromEntries(parts.map(({ part, fits, assumed }) => [part, assumed ? `assumed ${fits}` : fits]));

test.each<CertificateMatch>([
  { kind: 'uri', value: 'spiffe://example.org/db1' },
  { kind: 'dns', value: 'DB1.example.org' },
  { kind: 'cn', value: 'db1' },
  { kind: 'sha256', value: 'ab'.repeat(32) },
])('without certificate and address, such as the rule wants are assumed: $kind', (wanted) => {
  const explanation = ask({ certificate: wanted });
  expect(explanation.verdict).toBe('allowed');
  expect(fitting(explanation)).toEqual({
    initiator: true,
    certificate: 'assumed true',
    address: 'assumed true',
  });
  expect(explanation.parts[1]!.detail).toContain(`${wanted.kind} ${wanted.value}`);
});

test.each(['203.0.113.0/24', '2001:db8::/48', '::/0', '0.0.0.0/0', '192.0.2.1'])(
  'an address in %s is assumed',
  (range) => {
    expect(ask({ from: addressSet([parseAddressRange(range)]) }).verdict).toBe('allowed');
  },
);

test('all that does not fit is told at once, though policy stops at the first', () => {
  const stranger = certificate({ uri: ['spiffe://example.org/db2'], cn: 'db2', dns: [] });
  const explanation = ask({}, { subject: { certificate: stranger, address: '198.51.100.1' } });
  expect(explanation).toMatchObject({
    verdict: 'denied',
    reason: 'iqn_mismatch',
    told: 'login status 0202 authorizationFailure',
    rule: { id: 'db1', location: 'gateway.yaml:12:3' },
  });
  expect(fitting(explanation)).toEqual({ initiator: true, certificate: false, address: false });
  expect(explanation.parts[1]!.detail).toBe(
    `does not fit: the rule wants uri spiffe://example.org/db1, and it has uri spiffe://example.org/db2, cn db2, sha256 ${'ab'.repeat(32)}`,
  );
});

test('an address that does not fit leaves the certificate fitting', () => {
  const explanation = ask({}, { subject: { certificate: certificate(), address: '198.51.100.1' } });
  expect(explanation).toMatchObject({ verdict: 'denied', reason: 'address_denied' });
  expect(fitting(explanation)).toEqual({ initiator: true, certificate: true, address: false });
});

test('an initiator that no rule knows is denied, and the nearest name is offered', () => {
  const explanation = ask({}, { subject: { initiatorName: 'iqn.1993-08.org.debian:01:bd1' } });
  expect(explanation).toMatchObject({
    verdict: 'denied',
    reason: 'unknown_initiator',
    told: 'login status 0202 authorizationFailure',
  });
  expect(explanation).not.toHaveProperty('rule');
  expect(explanation.parts).toHaveLength(1);
  expect(explanation.parts[0]!.detail).toContain(`did you mean ${DB1}?`);
});

test('a target that no entry covers is denied as not there', () => {
  const explanation = ask({}, { target: 'iqn.2001-05.com.equallogic:other' });
  expect(explanation).toMatchObject({
    verdict: 'denied',
    reason: 'acl_denied',
    told: 'login status 0203 notFound',
  });
  expect(fitting(explanation)['target']).toBe(false);
});

test.each<[string, number, Partial<Explanation>]>([
  ['read', 0, { verdict: 'allowed' }],
  [
    'write',
    0,
    {
      verdict: 'denied',
      reason: 'write-protected',
      detail: 'mode: read-only (gateway.yaml:17:9)',
      told: 'CHECK CONDITION, sense 07/27/00 dataProtect, writeProtected',
    },
  ],
  [
    'reservations',
    0,
    {
      verdict: 'denied',
      detail: 'mode: read-only; allow: [reservations] would let it pass (gateway.yaml:17:9)',
    },
  ],
  [
    'read',
    7,
    {
      verdict: 'denied',
      reason: 'hidden-lun',
      detail: 'luns: [0-1] leaves out LUN 7 (gateway.yaml:17:9)',
      told: 'CHECK CONDITION, sense 05/25/00 illegalRequest, logicalUnitNotSupported',
    },
  ],
  [
    'inquiry',
    7,
    { verdict: 'denied', told: 'GOOD, with INQUIRY data that begins with 7Fh: nothing is there' },
  ],
  [
    'target-reset',
    0,
    {
      verdict: 'denied',
      reason: 'not-supported',
      detail: 'only allow: [target-reset] lets it pass, and it is not written (gateway.yaml:17:9)',
      told: 'task management response 5 notSupported',
    },
  ],
  ['logical unit reset', 7, { verdict: 'denied', told: 'task management response 2 noSuchLun' }],
])('on a read-only entry with LUNs 0 and 1: %s at LUN %i', (request, lun, expected) => {
  const access = [accessRule({ luns: [1, 0], mode: 'read-only' })];
  const explanation = ask({ access }, { target: DISK, lun, request: parseRequest(request) });
  expect(explanation).toMatchObject({ ...expected, access: { location: 'gateway.yaml:17:9' } });
});

test.each([
  ['format', 'only allow: [format] lets it pass, and it is not written (gateway.yaml:17:9)'],
  ['b3', 'the gateway does not know it, and nothing allows it (gateway.yaml:17:9)'],
])('what is missing for %s is said', (request, detail) => {
  expect(ask({}, { target: DISK, lun: 0, request: parseRequest(request) })).toMatchObject({
    verdict: 'denied',
    reason: 'not-supported',
    detail,
    told: 'CHECK CONDITION, sense 05/20/00 illegalRequest, invalidOperationCode',
  });
});

test('without a command, a logical unit is there or not, with all that may be done on it', () => {
  const access = [accessRule({ luns: [0] })];
  const there = ask({ access }, { target: DISK, lun: 0 });
  expect(there).toMatchObject({
    verdict: 'allowed',
    matrix: [{ luns: [{ luns: [0], visible: 'allowed' }] }],
  });
  const hidden = ask({ access }, { target: DISK, lun: 1 });
  expect(hidden).toMatchObject({ verdict: 'denied', matrix: [{ luns: [{ luns: [1], visible: 'denied' }] }] });
});

test('in shadow a refused command passes, and what would be said is told', () => {
  const rule = { shadow: true, access: [accessRule({ mode: 'read-only' })] };
  expect(ask(rule, { target: DISK, lun: 0, request: parseRequest('write') })).toMatchObject({
    verdict: 'shadowed',
    reason: 'write-protected',
    told: 'CHECK CONDITION, sense 07/27/00 dataProtect, writeProtected',
  });
  expect(ask(rule, { target: DISK, lun: 0, request: parseRequest('read') })).toMatchObject({
    verdict: 'allowed',
    rule: { shadow: true },
  });
});

test.each([{}, { lun: 3 }, { lun: 3, request: parseRequest('write') }])(
  'in shadow a target that no entry covers passes (%j), and what would be said is told',
  (question) => {
    const explanation = ask({ shadow: true, access: [] }, { target: DISK, ...question });
    expect(explanation).toMatchObject({
      verdict: 'shadowed',
      reason: 'acl_denied',
      told: 'login status 0203 notFound',
    });
    expect(fitting(explanation)['target']).toBe(false);
  },
);

test('who is not let in is denied in shadow too', () => {
  expect(ask({ shadow: true }, { subject: { address: '198.51.100.1' } }).verdict).toBe('denied');
});

test('CHAP is named among what is not asked, without its secret being read', () => {
  const chap = { user: 'db1', secret: UNREAD_SECRET, algorithms: CHAP_ALGORITHMS };
  expect(ask({ chap }).unasked).toContain('CHAP as "db1"');
  expect(ask({}).unasked.join()).not.toContain('CHAP');
});

test('the matrix has a row for each entry, and one for what they leave over', () => {
  const access = [
    accessRule({ target: 'iqn.a:*', luns: [3, 1, 2], location: 'g:20:9' }),
    accessRule({ target: 'iqn.a:x', mode: 'read-only', location: 'g:21:9' }),
    accessRule({ target: 'iqn.b:*', mode: 'read-only', allow: ['reservations'], location: 'g:22:9' }),
  ];
  const { matrix } = ask({ access });
  expect(matrix).toMatchObject([
    {
      target: 'iqn.a:*',
      verdict: 'allowed',
      location: 'g:20:9',
      luns: [
        {
          luns: [1, 2, 3],
          visible: 'allowed',
          requests: { read: 'allowed', write: 'allowed', format: 'denied' },
        },
        { luns: null, visible: 'denied' },
      ],
    },
    { target: 'iqn.a:x', location: 'g:21:9', coveredBy: 'g:20:9', luns: [] },
    {
      target: 'iqn.b:*',
      location: 'g:22:9',
      luns: [
        {
          luns: null,
          visible: 'allowed',
          requests: { read: 'allowed', write: 'denied', reservations: 'allowed' },
        },
      ],
    },
    { target: null, verdict: 'denied', location: 'gateway.yaml:12:3', luns: [] },
  ]);
});

test('an entry of nothing but * leaves nothing over', () => {
  expect(ask({ access: [accessRule({ target: '*' })] }).matrix).toHaveLength(1);
});

test.each(PERMISSIONS)('the matrix shows what allow: [%s] changes', (permission) => {
  // Reservations are refused only where writing is.
  const mode = permission === 'reservations' ? 'read-only' : 'read-write';
  const verdictOf = (allow: (typeof permission)[]) =>
    ask({ access: [accessRule({ mode, allow })] }).matrix![0]!.luns[0]!.requests![permission];
  expect([verdictOf([]), verdictOf([permission])]).toEqual(['denied', 'allowed']);
});

test('in shadow the matrix hides nothing, and says what would be', () => {
  const { matrix } = ask({ shadow: true, access: [accessRule({ luns: [0], mode: 'read-only' })] });
  expect(matrix).toMatchObject([
    {
      luns: [
        { luns: [0], visible: 'allowed', requests: { read: 'allowed', write: 'shadowed' } },
        { luns: null, visible: 'shadowed', requests: { read: 'shadowed', write: 'shadowed' } },
      ],
    },
    { target: null, verdict: 'shadowed', luns: [{ luns: null, requests: { read: 'shadowed' } }] },
  ]);
});

test('with all 16384 logical units named, there is no row for others', () => {
  const luns = Array.from({ length: 16384 }, (_, lun) => lun);
  const [row] = ask({ access: [accessRule({ luns })] }).matrix!;
  expect(row!.luns).toHaveLength(1);
  expect(row!.luns[0]!.luns).toHaveLength(16384);
});

test('of logical units that are alike one is judged, however many an entry names', () => {
  const judged = vi.spyOn(RequestJudge.prototype, 'verdict');
  onTestFinished(() => judged.mockRestore());
  const luns = Array.from({ length: 16_383 }, (_, lun) => lun);
  const { matrix } = ask({ access: [accessRule({ luns })] });
  expect(matrix![0]!.luns.map((row) => row.luns?.length)).toEqual([16_383, undefined]);
  expect(judged.mock.calls.length).toBeLessThan(100);
});
