import { z } from 'zod';
import { defaultModelConfig } from './defaults.js';
import { factsOf, formsOf } from './fields.js';
import { ModelConfig, PipelineDefinition } from './schema.js';

/** The fields of `pipeline.json` and of the model config as tables of Markdown, for the documentation. */
export function fieldTables(): string {
  const defaults = defaultModelConfig({
    name: 'loans',
    partition: { by: 'month', column: 'day' },
    labelSource: undefined,
  });
  return [
    '## Fields of `pipeline.json`',
    table(PipelineDefinition, {}),
    '## Fields of `model_config.<environment>.json`',
    'What it leaves out has the default, unless `pipeline.json` names `layers`.',
    table(ModelConfig, defaults),
  ].join('\n\n');
}

function table(schema: z.core.$ZodType, defaults: unknown): string {
  return ['| field | type | default | meaning |', '|---|---|---|---|', ...rows(schema, [], defaults, new Map())].join(
    '\n',
  );
}

/** A row per field; those within an object have its name before theirs, once where several fields are such objects. */
function rows(
  schema: z.core.$ZodType,
  path: string[],
  defaults: unknown,
  told: Map<Record<string, z.core.$ZodType>, string>,
): string[] {
  return objectsIn(schema).flatMap(({ within, shape }) => {
    told.set(shape, nameOf(path));
    return Object.entries(shape).flatMap(([name, field]) => {
      const own = [...path, ...within, name];
      const value = within.length === 0 ? valueIn(defaults, name) : undefined;
      const { description = '' } = factsOf(field);
      const same = objectsIn(field).flatMap(({ shape: inner }) => told.get(inner) ?? [])[0];
      const inner = same === undefined ? rows(field, own, value, told) : [];
      const isObject = inner.length > 0 || same !== undefined;
      const type = same === undefined ? typeOf(field, isObject) : `as \`${same}\``;
      const cells = [`\`${nameOf(own)}\``, type, defaultOf(field, value, isObject), description];
      return [`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`, ...inner];
    });
  });
}

function nameOf(path: string[]): string {
  return path.join('.').replaceAll('.[]', '[]');
}

/** The objects that a value may be, be the entries of (`<name>`), or hold in a list (`[]`). */
function objectsIn(
  schema: z.core.$ZodType,
  within: string[] = [],
): { within: string[]; shape: Record<string, z.core.$ZodType> }[] {
  return formsOf(schema).flatMap((form) => {
    if (form instanceof z.ZodObject) return [{ within, shape: form.shape }];
    if (form instanceof z.ZodRecord) return objectsIn(form.valueType, [...within, '<name>']);
    if (form instanceof z.ZodArray) return objectsIn(form.element, [...within, '[]']);
    return [];
  });
}

/** In words: alternatives are joined by "or". */
function typeOf(schema: z.core.$ZodType, hasRows = false): string {
  return [...new Set(formsOf(schema).map((form) => wordsOf(form, hasRows)))].join(' or ');
}

function wordsOf(form: z.core.$ZodType, hasRows: boolean): string {
  if (form instanceof z.ZodEnum) return form.options.map((option) => `\`${option}\``).join(', ');
  if (form instanceof z.ZodLiteral) return [...form.values].map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (form instanceof z.ZodString) return form.format === 'date' ? 'date' : 'text';
  if (form instanceof z.ZodStringFormat) return form.format === 'date' ? 'date' : 'text';
  if (form instanceof z.ZodNumber) return `${form.isInt ? 'whole number' : 'number'}${rangeOf(form)}`;
  if (form instanceof z.ZodBoolean) return '`true`, `false`';
  if (form instanceof z.ZodNull) return '`null`';
  if (form instanceof z.ZodArray) return `list of ${hasRows ? 'objects' : typeOf(form.element)}`;
  if (form instanceof z.ZodTuple) return 'list of two';
  if (form instanceof z.ZodRecord) return hasRows ? 'object' : `object of ${typeOf(form.valueType)}`;
  return 'object';
}

function rangeOf({ minValue, maxValue }: z.ZodNumber): string {
  const [low, high] = [minValue, maxValue].map((bound) =>
    bound === null || !Number.isFinite(bound) ? undefined : bound,
  );
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}`;
  return low === undefined ? '' : `, ${low} or more`;
}

function defaultOf(schema: z.core.$ZodType, value: unknown, hasRows: boolean): string {
  const { otherwise, found } = factsOf(schema);
  const usual = value ?? (schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined);
  const shown = usual === undefined || (hasRows && typeof usual === 'object') ? [] : [`\`${JSON.stringify(usual)}\``];
  const words = found === undefined ? otherwise : `found in the data: ${found}`;
  const all = [...shown, ...(words === undefined ? [] : [words])].join(': ');
  if (all !== '') return all;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || hasRows ? '' : 'must be given';
}

function valueIn(defaults: unknown, name: string): unknown {
  return typeof defaults === 'object' && defaults !== null ? (defaults as Record<string, unknown>)[name] : undefined;
}
