import { stringify } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from './didYouMean.ts';
import type { Findings } from './findings.ts';
import { mapBranch, schemaAt, type JsonSchema } from './jsonSchema.ts';
import { quote, type ConfigPath } from './problem.ts';
import { valueAt } from './valueAt.ts';

type Issue = z.core.$ZodIssue;

/** What the schema says against the input, in words for the person who wrote it. */
export function reportIssues(
  issues: readonly Issue[],
  input: unknown,
  schema: JsonSchema,
  findings: Findings,
): void {
  for (const issue of issues) reportIssue(issue, issue.path as ConfigPath, input, schema, findings);
}

/**
 * Silences zod's own messages, which show the input: what is left in `issue.message` was written in this folder.
 */
export const ownMessagesOnly = { error: () => '' };

function reportIssue(
  issue: Issue,
  path: ConfigPath,
  input: unknown,
  root: JsonSchema,
  findings: Findings,
): void {
  const schema = schemaAt(root, path) ?? {};
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) reportUnknownKey(path, key, schema, findings);
      return;
    case 'invalid_union': {
      const inner = issue.errors.find((branch) =>
        branch.every((found) => found.path.length > 0 || found.code === 'unrecognized_keys'),
      );
      const hasMap = schema.type === 'object';
      if (inner === undefined && !hasMap)
        return findings.problem({ path }, 'this value is not accepted', typeHint(schema));
      if (inner === undefined) {
        const hint = `write false, or ${shape(schema)}`;
        return findings.problem({ path }, 'this is neither false nor a map', hint);
      }
      for (const found of inner) {
        reportIssue(found, [...path, ...(found.path as ConfigPath)], input, root, findings);
      }
      return;
    }
    case 'invalid_type':
      if (valueAt(input, path) === undefined) return reportMissing(path, issue.message, schema, findings);
      return findings.problem(
        { path },
        issue.message || wrongType(valueAt(input, path), schema),
        typeHint(schema, valueAt(input, path)),
      );
    case 'invalid_value':
      return reportChoice(path, valueAt(input, path), issue.values.map(String), findings);
    case 'too_small':
    case 'too_big':
      if (issue.origin === 'array') return findings.problem({ path }, 'the list is empty', typeHint(schema));
      return findings.problem({ path }, `${String(valueAt(input, path))} is out of range`, typeHint(schema));
    case 'custom':
      return findings.problem({ path }, issue.message, String(issue.params?.['hint'] ?? typeHint(schema)));
    case 'invalid_key':
    case 'invalid_format':
    case 'invalid_element':
    case 'not_multiple_of':
      return findings.problem({ path }, 'this value is not accepted', typeHint(schema));
  }
}

function reportUnknownKey(parent: ConfigPath, key: string, schema: JsonSchema, findings: Findings): void {
  const known = Object.keys(schema.properties ?? {});
  const meant = didYouMean(key, known);
  // In and around `secret` an unknown key may well be the secret itself.
  const mayBeSecret = meant === undefined && parent.some((step) => step === 'chap' || step === 'secret');
  const path = [...parent, key];
  findings.problem(
    { path: mayBeSecret ? parent : path, at: { path, part: 'key' } },
    mayBeSecret ? 'unknown key' : `unknown key ${quote(key)}`,
    meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`,
  );
}

function reportMissing(path: ConfigPath, message: string, schema: JsonSchema, findings: Findings): void {
  const key = String(path.at(-1));
  const example = schema.examples?.[0];
  const hint =
    example === undefined ? `write ${key}: and below it ${shape(schema)}` : `write ${key}: ${flow(example)}`;
  findings.problem(
    { path, at: { path: path.slice(0, -1), part: 'key' } },
    message || 'this key is missing',
    hint,
  );
}

function reportChoice(
  path: ConfigPath,
  value: unknown,
  choices: readonly string[],
  findings: Findings,
): void {
  const meant = typeof value === 'string' ? didYouMean(value, choices) : undefined;
  const hint = `write one of ${choices.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
  findings.problem({ path }, 'this is not one of the possible values', hint);
}

function wrongType(value: unknown, schema: JsonSchema): string {
  if (value === null) return 'there is no value behind this key';
  if (schema.type === 'integer' && typeof value === 'number') return `${value} is not a whole number`;
  return `this is ${typeName(value)}, not ${NAMES[String(schema.type)] ?? 'what belongs here'}`;
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  array: 'a list',
  object: 'a map',
};

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

function typeHint(schema: JsonSchema, value?: unknown): string {
  const example = schema.examples?.[0];
  if (schema.type === 'integer') return `write ${choice(schema)}`;
  if (schema.type === 'string') {
    if (typeof value === 'number' || typeof value === 'boolean') return 'put it in quotes';
    return `write one text${example === undefined ? '' : `, such as ${flow(example)}`}`;
  }
  if (schema.anyOf !== undefined) return `write ${schema.anyOf.map(choice).join(', or ')}`;
  if (schema.examples !== undefined) return `write ${schema.examples.map(flow).join(' or ')}`;
  return `write ${shape(schema)}`;
}

/** One of several things that a value may be. */
function choice(schema: JsonSchema): string {
  if (schema.const !== undefined) return flow(schema.const);
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  return shape(schema);
}

function shape(schema: JsonSchema): string {
  const { type, items, properties, additionalProperties } = mapBranch(schema);
  if (type === 'array') {
    const item = items as JsonSchema;
    return item.examples === undefined
      ? `a list of entries, each ${shape(item)}`
      : `a list: [ ${flow(item.examples[0])} ]`;
  }
  if (properties !== undefined) {
    const keys = Object.keys(properties);
    return `a map with the key${keys.length === 1 ? '' : 's'} ${keys.join(', ')}`;
  }
  if (typeof additionalProperties === 'object')
    return `a name of your choice, with ${shape(additionalProperties)}`;
  return 'text';
}

function flow(example: unknown): string {
  return stringify(example, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
