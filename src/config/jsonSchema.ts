import { z } from 'zod';
import { defaultModelConfig } from './defaults.js';
import { BehaviouralTests } from './modelTests.js';
import { ModelConfig, PipelineDefinition } from './schema.js';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** JSON Schemas of what people write, for editors, by the names of their files in the conf folder. */
export function jsonSchemas(): Record<string, JsonSchema> {
  return {
    'pipeline.schema.json': schemaOf(PipelineDefinition, 'pipeline.json: what a pipeline is, in every environment'),
    'model_tests.schema.json': schemaOf(
      BehaviouralTests,
      'model_tests.json: what a new version of the model has to know, as behavioural tests',
    ),
    'model_config.schema.json': withoutRequired(
      schemaOf(ModelConfig, 'model_config.<environment>.json: how a pipeline runs in an environment'),
      defaultModelConfig({ name: 'any', partition: { by: 'none', column: undefined }, labelSource: undefined }),
    ),
  };
}

/** Where editors find a pipeline's schema, from its folder in conf/pipelines. */
export const PIPELINE_SCHEMA = '../../pipeline.schema.json';

/** As it stands in a file. */
export function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function schemaOf(schema: z.ZodType, title: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    // What editors know best.
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      for (const own of ['otherwise', 'found', 'isSetting']) delete jsonSchema[own];
    },
  });
  return { $schema, title, ...rest };
}

/** A schema of what is laid over defaults: what they have may be left out. */
function withoutRequired(schema: JsonSchema, defaults: unknown): JsonSchema {
  if (typeof defaults !== 'object' || defaults === null || Array.isArray(defaults)) return schema;
  const { required = [], properties = {}, additionalProperties, ...rest } = schema;
  const values = defaults as Record<string, unknown>;
  const left = required.filter((name) => !(name in values));
  return {
    ...rest,
    ...(left.length > 0 && { required: left }),
    ...(schema.properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, withoutRequired(field as JsonSchema, values[name])]),
      ),
    }),
    // Entries of a record, such as algorithms, are alike.
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'object'
          ? withoutRequired(additionalProperties, Object.values(values)[0])
          : additionalProperties,
    }),
  };
}
