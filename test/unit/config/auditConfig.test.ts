import { expect, test } from 'vitest';
import { minimalGateway, parse, problemsOf } from './minimalGateway.ts';

test('an audit trail is kept in a file that is found from the folder of the configuration', () => {
  const { config } = parse(minimalGateway({ 13: 'audit: { file: audit.jsonl, maxMegabytes: 2, keep: 3 }' }));
  expect(config.audit).toEqual({ file: '/etc/sangate/audit.jsonl', maxBytes: 2 * 1024 * 1024, keep: 3 });
});

test('of an audit trail only the file has to be written', () => {
  const { config } = parse(minimalGateway({ 13: 'audit: { file: /var/log/audit.jsonl }' }));
  expect(config.audit).toEqual({ file: '/var/log/audit.jsonl', maxBytes: 64 * 1024 * 1024, keep: 10 });
});

test('without the key there is no audit trail', () => {
  expect(parse(minimalGateway()).config.audit).toBeUndefined();
});

test.each(['{}', '{ file: a, keep: 0 }', '{ file: a, maxMegabytes: 0 }', '{ file: a, rotate: 3 }'])(
  'audit: %s is a mistake',
  (audit) => {
    expect(problemsOf(minimalGateway({ 13: `audit: ${audit}` }))).toHaveLength(1);
  },
);
