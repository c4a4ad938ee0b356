import { stringify } from 'yaml';
import { gatewayJsonSchema, mapBranch, stubJsonSchema, type JsonSchema } from './jsonSchema.ts';

/** Files that are made from the schemas, by their path in the project; a test keeps them in step. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'docs/configuration.md': configurationReference(),
    'config/schema/gateway.schema.json': `${JSON.stringify(gatewayJsonSchema, null, 2)}\n`,
    'config/schema/stub.schema.json': `${JSON.stringify(stubJsonSchema, null, 2)}\n`,
  };
}

function configurationReference(): string {
  return [
    INTRODUCTION,
    '## Gateway\n',
    table(gatewayJsonSchema),
    GATEWAY_RULES,
    '## Stub\n',
    'The flags of `sangate stub` pass through the same checks as this file.\n',
    table(stubJsonSchema),
  ].join('\n');
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config; UPDATE_GENERATED=1 npx vitest run test/unit/config/reference.test.ts writes it anew. -->

\`sangate gateway --config config/gateway.yaml\` and \`sangate stub --config config/stub.yaml\` read one YAML file each.
Samples to start from: [gateway.yaml](../config/gateway.yaml) with everything in it,
[gateway-minimal.yaml](../config/gateway-minimal.yaml) with nothing that may be left out, [stub.yaml](../config/stub.yaml).
\`sangate check config/gateway.yaml\` reads a file, and the secrets that it refers to, without starting anything.

- **Every mistake is an error, and all are shown at once**: \`file:line:column: key: what is wrong — what to write instead\`.
  A key that is not in the tables below is a mistake. Warnings are about what is allowed but doubtful.
  Certificates, their keys and lists are read once all else is right: \`sangate check\` shows every mistake in them in the same form,
  a start or a reload that fails names the files.
- **Relative paths start at the folder of the configuration file**, not at the current one.
- **One file is one YAML 1.2 document** of at most 1 MiB, in UTF-8. Anchors, aliases and merge keys (\`<<\`) work; tags (\`!name\`) do not.
- **Editors** complete and check the file with the line \`# yaml-language-server: $schema=schema/gateway.schema.json\` at its top.

## Secrets

A CHAP secret is never written in the configuration. It is in a file of its own, or in an environment variable:

\`\`\`yaml
chap: { user: db1, secret: { file: secrets/db1 } }
chap: { user: db1, secret: { env: DB1_SECRET } }
\`\`\`

- A secret has 12 to 255 bytes (RFC 7143 §9.2.1 asks for 96 bits), and is used as it stands: \`0x…\` is text like any other, not
  hexadecimal. In a file, one newline at the end is left out. Many initiators take 12 to 16 characters only: \`openssl rand -hex 8\` makes 16.
- A secret file must be a regular file that no other users may read and its group may not write: \`chmod 600\` (or 640). In Kubernetes set
  \`defaultMode: 0400\` on the volume of the secret. Windows has no such bits: there, protect the folder.
- The secrets of the two directions of mutual CHAP must differ, and no secret may serve both an array and an initiator.

## Addresses

- Portals and listeners: \`192.0.2.1:3260\`, \`[2001:db8::1]:3260\`, \`name.example.org:3260\`; each key has its own port where none is written.
- Ranges: \`203.0.113.7\`, \`203.0.113.0/24\`, \`2001:db8::/48\`; no bits behind the prefix, no brackets, zones or leading zeros.
  An IPv4 range admits a peer that an IPv6 socket shows as \`::ffff:203.0.113.7\`; an IPv6 range, also \`::/0\`, admits no IPv4 peer.
  Where YAML takes a leading colon for a key, quote: \`"::/0"\`.
`;

const GATEWAY_RULES = `### What belongs together

- An initiator is let in when certificate, address, initiator name and (if configured) CHAP all agree with one entry under \`initiators\`.
  An initiator name stands in one entry only.
- A target is shown and can be logged in to when a line under \`access\` has its name. In names, \`*\` stands for any run of characters; there is no other wildcard.
`;

function table(schema: JsonSchema): string {
  const lines = rows('', schema).map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  return `${['| Key | Value | Without it | Meaning |', '| --- | --- | --- | --- |', ...lines].join('\n')}\n`;
}

/** One row a key, each map followed by what is inside of it. */
function rows(prefix: string, schema: JsonSchema): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const property = value as JsonSchema;
    const path = `${prefix}${key}`;
    const row = [
      `\`${path}\``,
      typeOf(property),
      absence(property, schema.required?.includes(key) ?? false),
      property.description ?? '',
    ];
    const { suffix, inner } = inside(property);
    return [row, ...rows(`${path}${suffix}.`, inner)];
  });
}

/** The map that is inside of a list, a map by name or a choice, and how its path goes on. */
function inside(schema: JsonSchema): { suffix: string; inner: JsonSchema } {
  const { items, additionalProperties } = mapBranch(schema);
  if (items !== undefined) return { suffix: '[]', inner: items as JsonSchema };
  if (typeof additionalProperties === 'object') return { suffix: '.<name>', inner: additionalProperties };
  return { suffix: '', inner: mapBranch(schema) };
}

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map((choice) => typeOf(choice)).join(' or ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((choice) => `\`${String(choice)}\``).join(', ');
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type === 'integer') return `${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'array') return `list of ${typeOf(schema.items as JsonSchema)}`;
  if (schema.type === 'object')
    return typeof schema.additionalProperties === 'object' ? 'map by name' : 'map';
  return 'text';
}

function absence(schema: JsonSchema, required: boolean): string {
  if (required) return '**error**';
  if (schema.default === undefined) return '';
  const isMap = typeof schema.default === 'object' && !Array.isArray(schema.default);
  return isMap
    ? 'the defaults below'
    : `\`${stringify(schema.default, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``;
}
