import type { Pipeline } from '../config/load.js';
import type { InputColumn } from './inputColumns.js';
import type { TransformSettings } from '../ml/transforms/settings.js';

/**
 * How a pipeline's features become a model's columns: its `transforms`; where it lists its features as numbers, those that
 * it scales are, and the others stay as they are; otherwise by the columns' kinds.
 */
export function transformSettings(
  { definition }: Pick<Pipeline, 'definition'>,
  inputs: InputColumn[],
): TransformSettings {
  const { transforms, features } = definition;
  if (transforms) return transforms;
  const scaled = new Set(features.filter(({ scale }) => scale).map(({ name }) => name));
  const numbers = inputs.filter(({ kind }) => features.length > 0 && kind === 'number').map(({ name }) => name);
  return [
    { columns: numbers.filter((name) => scaled.has(name)), steps: [{ scale: 'standard' as const }] },
    { columns: numbers.filter((name) => !scaled.has(name)), steps: [] },
  ].filter(({ columns }) => columns.length > 0);
}

/** Features in the order of a model's columns: those that are scaled first. */
export function inColumnOrder({ definition }: Pick<Pipeline, 'definition'>, inputs: InputColumn[]): InputColumn[] {
  const scaled = new Set(definition.features.filter(({ scale }) => scale).map(({ name }) => name));
  return [...inputs.filter(({ name }) => scaled.has(name)), ...inputs.filter(({ name }) => !scaled.has(name))];
}
