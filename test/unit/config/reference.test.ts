import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { generatedFiles } from '../../../src/config/reference.ts';

test.each(Object.entries(generatedFiles()))('%s is what the schemas say', async (path, generated) => {
  const file = fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  // Committed JSON has the project's format; prettier leaves Markdown alone here.
  const content = path.endsWith('.json')
    ? await format(generated, { ...(await resolveConfig(file)), filepath: file })
    : generated;
  if (process.env['UPDATE_GENERATED'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  expect(readFileSync(file, 'utf8'), 'run with UPDATE_GENERATED=1 to write it anew').toBe(content);
});

test('a key that is true or false has these as its values', () => {
  const reference = generatedFiles()['docs/configuration.md']!;
  for (const key of ['initiators.<name>.cluster', 'initiators.<name>.shadow', 'watch']) {
    expect(reference).toContain(`| \`${key}\` | \`true\`, \`false\` |`);
  }
});
