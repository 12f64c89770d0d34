/**
 * Entries whose keys are names that people gave: columns, algorithms, parameters, pipelines, partitions, expectations.
 * They stay as they are, whatever they look like.
 */
const KEYED_BY_NAME: ReadonlySet<string> = new Set([
  'algorithms',
  'best_params',
  'config',
  'dropped',
  'expected_psi',
  'inputs',
  'missing_rate',
  'p_value',
  'params',
  'pipelines',
  'psi',
  'scores',
  'training_missing_rate',
  'unmet',
  'value',
]);

/**
 * What `--json` prints for a value: fields of objects in snake_case, whatever they are called within the program. Nothing
 * else is changed.
 */
export function jsonFields(value: unknown, keyedByName = false): unknown {
  if (Array.isArray(value)) return value.map((item) => jsonFields(item));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const fields = Object.entries(value).map(([key, field]) => {
    const name = keyedByName ? key : snakeCase(key);
    return [name, jsonFields(field, KEYED_BY_NAME.has(name))] as const;
  });
  return Object.fromEntries(fields);
}

/** `workflowId` to `workflow_id` */
function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
