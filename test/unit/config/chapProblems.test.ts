import { expect, test } from 'vitest';
import { expectProblem, minimalGateway, problemsOf, type Case } from './minimalGateway.ts';

const chap = (text: string) => ({ 13: `    chap: ${text}` });

const CASES: Case[] = [
  [
    'a secret is file or env, not both',
    chap('{ user: db1, secret: { file: a, env: B } }'),
    {
      at: '13:32',
      path: 'initiators.db1.chap.secret',
      message: /both file and env/,
      hint: /\{ file: path \} or \{ env: NAME \}/,
    },
  ],
  [
    'a secret file that cannot be used is reported at its reference',
    chap('{ user: db1, secret: { file: a } }'),
    {
      at: '13:32',
      path: 'initiators.db1.chap.secret',
      message: /file "\/etc\/sangate\/a" is empty/,
      hint: /12 to 255 bytes/,
    },
    { a: '' },
  ],
  [
    'a variable that is not set is named',
    chap('{ user: db1, secret: { env: DB1_SECRET } }'),
    {
      at: '13:32',
      path: 'initiators.db1.chap.secret',
      message: /variable DB1_SECRET is not set/,
      hint: /set it/,
    },
  ],
  [
    'both directions of CHAP cannot have one secret',
    chap('{ user: db1, secret: { file: a }, mutual: { user: gw, secret: { env: B } } }'),
    {
      at: '13:73',
      path: 'initiators.db1.chap.mutual.secret',
      message: /same secret as initiators\.db1\.chap\.secret/,
      hint: /another secret for each direction/,
    },
    { a: 'one and the same\n', B: 'one and the same' },
  ],
  [
    'an array and an initiator cannot have one secret',
    {
      6: '    portals: [10.0.0.5]\n    chap: { user: gw, secret: { file: a } }',
      13: '    chap: { user: db1, secret: { file: b }, mutual: { user: gw, secret: { file: c } } }',
    },
    {
      at: '7:31',
      path: 'backends.array1.chap.secret',
      message: /same secret as initiators\.db1\.chap\.mutual\.secret/,
      hint: /one secret toward the array/,
    },
    { a: 'one and the same', b: 'quite another one', c: 'one and the same' },
  ],
  [
    'a CHAP user cannot be empty',
    chap('{ user: "", secret: { file: a } }'),
    { at: '13:19', path: 'initiators.db1.chap.user', message: /not a CHAP user/, hint: /1 to 255 bytes/ },
  ],
  [
    'an unknown CHAP digest is answered with the nearest one',
    chap('{ user: db1, secret: { file: a }, algorithms: [sha-256] }'),
    {
      at: '13:58',
      path: 'initiators.db1.chap.algorithms[0]',
      message: /not one of the possible values/,
      hint: /did you mean sha256\?/,
    },
  ],
];

test.each(CASES)('%s', (_name, edits, expected, secrets) => expectProblem(edits, expected, secrets));

test.each([
  'secret: hunter2hunter2',
  'secret: [hunter2hunter2]',
  'secret: { hunter2hunter2 }',
  'secret: { hunter2hunter2: 1 }',
  'secret: { env: hunter2-hunter2 }',
  'secret: { file: [hunter2hunter2] }',
  'secret: *hunter2hunter2',
  'secret: !hunter2hunter2 x',
  'secret: "hunter2hunter2\\q"',
  'secret: @hunter2hunter2',
  'hunter2hunter2: secret',
  'secret: { file: a }, algorithms: [hunter2hunter2]',
])('a secret written as {%s} is not shown in the error', (text) => {
  const problems = problemsOf(minimalGateway({ 13: `    chap: { user: db1, ${text} }` }));
  expect(problems).not.toEqual([]);
  expect(JSON.stringify(problems)).not.toMatch(/hunter2/);
});

test('a secret written in place is answered with the two ways to refer to one', () => {
  const problems = problemsOf(minimalGateway({ 13: '    chap: { user: db1, secret: hunter2hunter2 }' }));
  expect(problems).toMatchObject([
    {
      line: 13,
      column: 32,
      message: 'a secret is never written in the configuration itself',
      hint: 'write { file: secrets/db1 } or { env: DB1_SECRET }',
    },
  ]);
});
