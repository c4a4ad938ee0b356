import { expect, test } from 'vitest';
import { explain, type Question } from '../../../../src/explain/explanation.ts';
import { explanationText } from '../../../../src/cli/explain/explanationText.ts';
import { parseRequest } from '../../../../src/explain/parseRequest.ts';
import type { InitiatorRule } from '../../../../src/policy/rules.ts';
import { accessRule, DB1, DISK, initiatorRule } from '../../../support/initiatorRule.ts';

const textOf = (rule: Partial<InitiatorRule>, question: Omit<Question, 'subject'> = {}): string =>
  explanationText(explain([initiatorRule(rule)], { subject: { initiatorName: DB1 }, ...question }));

const access = [
  accessRule({ luns: [0, 1, 5], mode: 'read-only' }),
  accessRule({ target: 'iqn.2001-05.com.equallogic:*-archive', location: 'gateway.yaml:18:9' }),
];

test('a denied command: by what, why, and what is heard', () => {
  expect(textOf({ access }, { target: DISK, lun: 3, request: parseRequest('2a') })).toBe(
    `denied: db1 sends WRITE (10) 2Ah to LUN 3
  initiator    ${DB1}: rule db1 (gateway.yaml:12:3)
  certificate  assumed: one that has uri spiffe://example.org/db1
  address      assumed: one in from: [203.0.113.0/24, 2001:db8::/48]
  target       ${DISK}: access entry
               iqn.2001-05.com.equallogic:*-db1-* (gateway.yaml:17:9)
  because      hidden-lun: luns: [0-1, 5] leaves out LUN 3 (gateway.yaml:17:9)
  told         CHECK CONDITION, sense 05/25/00 illegalRequest,
               logicalUnitNotSupported
  not asked    TLS (authority, end and revocation of the certificate); limits
               and guards; whether an array has the target`,
  );
});

test('the matrix: what is there, what is hidden, what may be done', () => {
  const [, matrix] = textOf({ access }).split('\n\n');
  expect(matrix).toBe(
    `LUN             rd  wr  unm cfg fmt san rea era xcp wbf sec pas ven rst rsv
iqn.2001-05.com.equallogic:*-db1-*  read-only  gateway.yaml:17:9
  0-1, 5        yes -   -   -   -   -   -   -   -   -   -   -   -   -   -
  every other   hidden
iqn.2001-05.com.equallogic:*-archive  read-write  gateway.yaml:18:9
  all           yes yes yes yes -   -   -   -   -   -   -   -   -   -   yes
every other target  does not exist  gateway.yaml:12:3`,
  );
});

test('in shadow the first line says so, and the matrix what would be refused', () => {
  const text = textOf({ access, shadow: true });
  expect(text.split('\n')[0]).toBe('allowed: db1 logs in; its access is not enforced (shadow: true)');
  expect(text).toContain('  0-1, 5        yes (-) ');
  expect(text).toContain('  every other   (-) (-) ');
  expect(text).toContain('(hidden)');
  expect(text).toContain('(-) passes and is logged; refused as soon as shadow: true is removed');
});

test('a command that only shadow lets through', () => {
  const text = textOf({ access, shadow: true }, { target: DISK, lun: 0, request: parseRequest('2a') });
  expect(text.replaceAll(/\s+/g, ' ')).toContain(
    'allowed: db1 sends WRITE (10) 2Ah to LUN 0; denied as soon as shadow: true is removed',
  );
  expect(text).toContain('  would be     write-protected: mode: read-only (gateway.yaml:17:9)');
  expect(text).toContain('  would hear   CHECK CONDITION, sense 07/27/00');
});

test('an entry that an earlier one covers is called unused', () => {
  const both = [accessRule({ target: '*' }), accessRule({ target: DISK, location: 'gateway.yaml:18:9' })];
  expect(textOf({ access: both })).toContain('never used: gateway.yaml:17:9 covers it');
});

test.each([true, false])(
  'no line is longer than 80 columns but for a name that is (shadow: %s)',
  (shadow) => {
    const long = [
      accessRule({
        luns: Array.from({ length: 40 }, (_, n) => 300 * n),
        location: '/etc/sangate/gateway.yaml:17:9',
      }),
      accessRule({ target: `iqn.2001-05.com.equallogic:*${'x'.repeat(30)}` }),
      accessRule({ target: '*', mode: 'read-only', allow: ['reservations', 'target-reset'] }),
    ];
    const texts = [
      textOf({ access: long, shadow }),
      textOf({ access: long, shadow }, { target: DISK }),
      textOf({ access: long, shadow }, { target: DISK, lun: 5, request: parseRequest('security-protocol') }),
      textOf({ access: [], shadow }, { target: DISK }),
    ];
    const tooLong = texts.flatMap((text) => text.split('\n')).filter((line) => line.length > 80);
    expect(tooLong).toEqual([]);
    expect(texts.join('\n')).not.toMatch(/ $/m);
  },
);
