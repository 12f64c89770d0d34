import { z } from 'zod';
import { isObject } from '../contracts/index.js';

/** What a field of a schema says of itself, by `describe` and `meta`. */
export interface FieldFacts {
  description?: string;
  /** What holds where nothing is said, in words. */
  otherwise?: string;
  /** What of the data decides where nothing is said. */
  found?: string;
  /** `false` for what changes nothing, or is another name of a field. */
  isSetting?: boolean;
}

/** What stands at the outermost of a field's wrappings; that of `.default()` may stand around it. */
export function factsOf(schema: z.core.$ZodType): FieldFacts {
  return z.globalRegistry.get(schema) ?? {};
}

type Child = [name: string, schema: z.core.$ZodType, value: unknown];

/**
 * The fields of an object, or the entries of a record of objects, with their values; `undefined` for what is one setting.
 *
 * @param said what a file says of it, if anything: in another form than the schema's object it is one setting
 */
export function childrenOf(schema: z.core.$ZodType, value: unknown, said: unknown): Child[] | undefined {
  if (!isObject(value) || (said !== undefined && !isObject(said))) return undefined;
  const names = [...Object.keys(value), ...Object.keys(said ?? {})];
  for (const form of formsOf(schema)) {
    if (form instanceof z.ZodObject) {
      const shape = form.shape as Record<string, z.core.$ZodType>;
      if (names.every((name) => name in shape || name === 'path'))
        return Object.entries(shape).map(([name, field]) => [name, field, value[name]]);
    }
    if (form instanceof z.ZodRecord && names.length > 0 && Object.values(value).every(isObject))
      return Object.entries(value).map(([name, entry]) => [name, form.valueType, entry]);
  }
  return undefined;
}

/** What a value may be, without what wraps it. */
export function formsOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  )
    return formsOf(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return formsOf(schema.def.in);
  if (schema instanceof z.ZodUnion) return (schema.def.options as z.core.$ZodType[]).flatMap(formsOf);
  return [schema];
}
