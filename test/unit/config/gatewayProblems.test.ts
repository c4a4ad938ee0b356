import { expect, test } from 'vitest';
import { expectProblem, minimalGateway, problemsOf, type Case } from './minimalGateway.ts';

const CASES: Case[] = [
  [
    'an unknown key is shown with the known one that is nearest',
    { 6: '    portal: [10.0.0.5]', 13: '', 14: 'log: { levle: info }' },
    { at: '14:8', path: 'log.levle', message: /unknown key "levle"/, hint: /did you mean level\?/ },
  ],
  [
    'an unknown key far from all known ones gets the list of these',
    { 13: '    rate: 5' },
    {
      at: '13:5',
      path: 'initiators.db1.rate',
      message: /unknown key "rate"/,
      hint: /known here: iqn, certificate, from, chap, cluster, maxSessions, shadow, access/,
    },
  ],
  [
    'a mode that does not exist is shown with those that do',
    { 12: '    access: [{ target: "iqn.2001-05.com.equallogic:*", mode: readonly }]' },
    {
      at: '12:62',
      path: 'initiators.db1.access[0].mode',
      message: /not one of the possible values/,
      hint: /did you mean read-only\?/,
    },
  ],
  [
    'no LUN is none too few',
    { 12: '    access: [{ target: "iqn.2001-05.com.equallogic:*", luns: [] }]' },
    { at: '12:62', path: 'initiators.db1.access[0].luns', message: /at least 1|empty|too few/, hint: /./ },
  ],
  [
    'a LUN beyond what iSCSI can name is refused',
    { 12: '    access: [{ target: "iqn.2001-05.com.equallogic:*", luns: [16384] }]' },
    {
      at: '12:63',
      path: 'initiators.db1.access[0].luns[0]',
      message: /16384 is out of range/,
      hint: /0 to 16383/,
    },
  ],
  [
    'a command that nobody can allow is shown with those that can be',
    { 12: '    access: [{ target: "iqn.2001-05.com.equallogic:*", allow: [formt] }]' },
    {
      at: '12:64',
      path: 'initiators.db1.access[0].allow[0]',
      message: /not one of the possible values/,
      hint: /did you mean format\?/,
    },
  ],
  ...(['many', '100'] as const).map((written): Case => [
    `workers: ${written} is told all that can be written there`,
    { 13: `workers: ${written}`, 14: '' },
    {
      at: '13:10',
      path: 'workers',
      message: /not accepted|100 is out of range/,
      hint: /^write auto, or a whole number from 1 to 64$/,
    },
  ]),
  [
    'a missing key is reported at its parent',
    { 3: '    tls: { cert: gw.crt, clientCa: ca.crt }' },
    {
      at: '3:5',
      path: 'listen[0].tls.key',
      message: /missing/,
      hint: /write key: \.\.\/certs\/gateway\.key/,
    },
  ],
  [
    'an initiator without certificate learns why it needs one',
    { 10: '' },
    {
      at: '8:3',
      path: 'initiators.db1.certificate',
      message: /only its certificate proves who it is/,
      hint: /write certificate: \{ uri: /,
    },
  ],
  [
    'an initiator without from is told what to write',
    { 11: '' },
    {
      at: '8:3',
      path: 'initiators.db1.from',
      message: /missing/,
      hint: /write from: \[ 203\.0\.113\.0\/24, /,
    },
  ],
  [
    'a key without a value is reported at the key',
    { 11: '    from:' },
    {
      at: '11:5',
      path: 'initiators.db1.from',
      message: /no value behind this key/,
      hint: /203\.0\.113\.0\/24/,
    },
  ],
  [
    'an empty access list is refused',
    { 12: '    access: []' },
    { at: '12:13', path: 'initiators.db1.access', message: /empty/, hint: /target: / },
  ],
  [
    'text in the place of a list is refused',
    { 6: '    portals: 10.0.0.5' },
    { at: '6:14', path: 'backends.array1.portals', message: /text, not a list/, hint: /10\.0\.0\.5:3260/ },
  ],
  [
    'a number in the place of text is to be quoted',
    { 10: '    certificate: { cn: 17 }' },
    {
      at: '10:24',
      path: 'initiators.db1.certificate.cn',
      message: /a number, not text/,
      hint: /put it in quotes/,
    },
  ],
  [
    'a number out of its range is refused with the range',
    { 13: 'limits: { loginSeconds: 0 }' },
    { at: '13:25', path: 'limits.loginSeconds', message: /0 is out of range/, hint: /from 1 to 600/ },
  ],
  [
    'a fraction is refused where a whole number belongs',
    { 13: 'limits: { unauthenticated: 1.5 }' },
    {
      at: '13:28',
      path: 'limits.unauthenticated',
      message: /1\.5 is not a whole number/,
      hint: /from 1 to 65536/,
    },
  ],
  [
    'a wrong choice gets the list of choices and the nearest one',
    { 13: 'log: { level: warning }' },
    {
      at: '13:15',
      path: 'log.level',
      message: /not one of the possible values/,
      hint: /debug, info, warn, error/,
    },
  ],
  [
    'admin is false or a map, nothing else',
    { 13: 'admin: true' },
    {
      at: '13:8',
      path: 'admin',
      message: /neither false nor a map/,
      hint: /write false, or a map with the keys address, tls/,
    },
  ],
  [
    'a mistake inside of admin is reported where it is',
    { 13: 'admin: { addres: 127.0.0.1:9260 }' },
    { at: '13:10', path: 'admin.addres', message: /unknown key "addres"/, hint: /did you mean address\?/ },
  ],
  [
    'the name of an entry keeps to letters, digits and . _ -',
    { 8: '  "db 1":' },
    { at: '8:3', path: 'initiators.db 1', message: /"db 1" cannot be the name/, hint: /letters, digits/ },
  ],
  [
    'a name that plain objects cannot hold is refused',
    { 8: '  __proto__:' },
    { at: '8:3', path: '', message: /cannot be used/, hint: /another name/ },
  ],
  [
    'an initiator name is validated',
    { 9: '    iqn: db1.example.org' },
    {
      at: '9:10',
      path: 'initiators.db1.iqn',
      message: /"db1\.example\.org" is not an iSCSI name/,
      hint: /iqn\.YYYY-MM/,
    },
  ],
  [
    'a target pattern that matches no name is refused',
    { 12: '    access: [{ target: "db1-*" }]' },
    {
      at: '12:24',
      path: 'initiators.db1.access[0].target',
      message: /matches no name/,
      hint: /write "\*db1-\*"/,
    },
  ],
  [
    'a range with host bits is answered with the range and the address',
    { 11: '    from: [10.1.2.3/8]' },
    {
      at: '11:12',
      path: 'initiators.db1.from[0]',
      message: /bits set behind its prefix/,
      hint: /write 10\.0\.0\.0\/8 for the range or 10\.1\.2\.3/,
    },
  ],
  [
    'IPv6 without brackets is refused where a port may follow',
    { 6: '    portals: ["2001:db8::5:3260"]' },
    {
      at: '6:15',
      path: 'backends.array1.portals[0]',
      message: /IPv6 without brackets/,
      hint: /write \[2001:db8::5\]:3260/,
    },
  ],
  [
    'a portal is written once in a backend, also under another spelling',
    { 6: '    portals: [Array.example.org, "array.example.org:3260"]' },
    {
      at: '6:34',
      path: 'backends.array1.portals[1]',
      message: /already at backends\.array1\.portals\[0\] \(.*:6:15\)/,
      hint: /remove one/,
    },
  ],
  [
    'two listeners cannot have one address',
    {
      3: '    tls: &tls { cert: gw.crt, key: gw.key, clientCa: ca.crt }\n  - { address: 0.0.0.0, tls: *tls }',
    },
    {
      at: '4:16',
      path: 'listen[1].address',
      message: /"0\.0\.0\.0:3261" is already at listen\[0\]\.address/,
      hint: /remove one/,
    },
  ],
  [
    'two properties of a certificate are one too many',
    { 10: '    certificate: { uri: "spiffe://example.org/db1", cn: db1 }' },
    {
      at: '10:18',
      path: 'initiators.db1.certificate',
      message: /has 2 properties/,
      hint: /exactly one of uri, dns, cn, sha256/,
    },
  ],
  [
    'a certificate without any property is refused',
    { 10: '    certificate: {}' },
    {
      at: '10:18',
      path: 'initiators.db1.certificate',
      message: /says nothing about the certificate/,
      hint: /exactly one of uri, dns, cn, sha256/,
    },
  ],
];

test.each(CASES)('%s', (_name, edits, expected, secrets) => expectProblem(edits, expected, secrets));

const SECOND = `  db2:
    iqn: IQN.1993-08.org.Debian:01:db1
    certificate: { cn: db2 }
    from: [203.0.113.0/24]
    access: [{ target: "iqn.2001-05.com.equallogic:*" }]`;

test('an initiator name stands in one entry only, in whatever letters it is written', () => {
  const [problem, ...others] = problemsOf(minimalGateway({ 13: SECOND }));
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ line: 14, column: 10, path: 'initiators.db2.iqn' });
  expect(problem!.message).toMatch(/already at initiators\.db1\.iqn \(\/etc\/sangate\/gateway\.yaml:9:10\)/);
  expect(problem!.hint).toMatch(/join the two entries/);
});

test('all problems come at once, in the order of the file', () => {
  const problems = problemsOf(
    minimalGateway({
      2: '  - address: nowhere:x',
      6: '    portals: [10.0.0.5, 10.0.0.5]',
      9: '    iqn: db1',
      10: '    certificate: {}',
      13: '    chap: { user: db1, secret: { env: UNSET } }\nextra: 1',
    }),
  );
  expect(problems.map(({ line, path }) => [line, path])).toEqual([
    [2, 'listen[0].address'],
    [6, 'backends.array1.portals[1]'],
    [9, 'initiators.db1.iqn'],
    [10, 'initiators.db1.certificate'],
    [13, 'initiators.db1.chap.secret'],
    [14, 'extra'],
  ]);
});

test("a stub's file is said to be one, and nothing else is said of it", () => {
  const [problem, ...others] = problemsOf('listen: 127.0.0.1:3260\ngateways: [gw.example.org]\ntls: {}\n');
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ line: 2, column: 1, message: expect.stringContaining('of a stub') });
  expect(problem!.hint).toContain('sangate check --stub');
});
