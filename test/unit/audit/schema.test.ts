import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { auditLine, lineOf, type AuditEntry } from '../../../src/audit/entry.ts';
import { GENESIS, seal } from '../../../src/audit/chain.ts';

const file = fileURLToPath(new URL('../../../config/schema/audit.schema.json', import.meta.url));

test('config/schema/audit.schema.json is what the lines are', async () => {
  const { $schema, ...rest } = z.toJSONSchema(auditLine);
  const schema = JSON.stringify({ $schema, title: 'One line of the audit trail of sangate', ...rest });
  const content = await format(schema, { ...(await resolveConfig(file)), filepath: file });
  if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, content);
  expect(readFileSync(file, 'utf8'), 'run with UPDATE_GENERATED=1 to write it anew').toBe(content);
});

test('a line with everything in it is one of the schema', () => {
  const hash = 'a'.repeat(64);
  const entry: Required<AuditEntry> = {
    action: 'login',
    outcome: 'failure',
    reason: 'acl_denied',
    message: 'no access entry covers it',
    sourceIp: '2001:db8::7',
    user: 'iqn.1993-08.org.debian:01:db1',
    rule: { name: 'db1', reference: 'gateway.yaml:12:3' },
    file: 'gateway.yaml',
    version: '0.1.0',
    own: {
      certificate: 'spiffe://example.org/db1',
      sessionType: 'Normal',
      session: 7,
      target: 'iqn.2026-01.org.example:disk1',
      torn: { file: 'audit.jsonl.torn-1', bytes: 7, sha256: hash },
      previous: { seq: 6, hash },
      lost: { lines: 3, since: '2026-11-22T15:17:12.000Z', until: '2026-11-22T15:17:13.000Z' },
    },
  };
  const line: unknown = JSON.parse(seal(lineOf(entry, Date.now()), GENESIS).text);
  expect(auditLine.parse(line)).toEqual(line);
});
