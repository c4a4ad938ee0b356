import { z } from 'zod';
import { gatewaySchema } from './gatewaySchema.ts';
import type { ConfigPath } from './problem.ts';
import { stubSchema } from './stubSchema.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** JSON Schemas of what a user writes, for editors, for the documentation and for hints in errors. */
export const gatewayJsonSchema = inputSchema(gatewaySchema, 'Configuration of sangate gateway');
export const stubJsonSchema = inputSchema(stubSchema, 'Configuration of sangate stub');

/** The schema of the value at a path, if the path is one that may be written. */
export function schemaAt(root: JsonSchema, path: ConfigPath): JsonSchema | undefined {
  let schema: JsonSchema | undefined = mapBranch(root);
  for (const step of path) {
    const next: unknown =
      typeof step === 'number' ? schema.items : (schema.properties?.[step] ?? schema.additionalProperties);
    if (typeof next !== 'object') return undefined;
    schema = mapBranch(next as JsonSchema);
  }
  return schema;
}

/** Of "false or a map", the map. */
export function mapBranch(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find((branch) => branch.type === 'object') ?? schema;
}

function inputSchema(schema: z.ZodType, title: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    // zod leaves examples out where input and output differ; ours are all of input.
    override({ zodSchema, jsonSchema }) {
      const examples = z.globalRegistry.get(zodSchema)?.['examples'];
      if (Array.isArray(examples)) jsonSchema.examples = examples;
    },
  });
  return { $schema, title, ...rest } as JsonSchema;
}
