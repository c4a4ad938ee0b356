import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'vitest';
import { parseGatewayConfig } from '../../../src/config/gatewayConfig.ts';
import { ConfigError } from '../../../src/config/problem.ts';

const sample = readFileSync(new URL('../../../config/gateway.yaml', import.meta.url), 'utf8');

const edits = fc.array(
  fc.record({
    at: fc.nat(sample.length),
    remove: fc.nat(12),
    insert: fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom(
        ': ',
        '\n',
        '- ',
        '*a',
        '&a ',
        '<<: ',
        '{',
        '[',
        '"',
        '\t',
        '__proto__: ',
        'null',
        '1',
        '!x ',
      ),
    ),
  }),
  { maxLength: 6 },
);

test('whatever is written, the answer is a configuration or a ConfigError', () => {
  fc.assert(
    fc.property(edits, (changes) => {
      let text = sample;
      for (const { at, remove, insert } of changes)
        text = text.slice(0, at) + insert + text.slice(at + remove);
      try {
        parseGatewayConfig(text, {
          file: 'gateway.yaml',
          readSecretFile: (file) => Buffer.from(`secret of ${file}`),
          env: { EQUALLOGIC_SECRET: 'secret of the array' },
        });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});
