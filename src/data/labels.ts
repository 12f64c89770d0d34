import type { Pipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import { isMissing } from '../ml/missing.js';
import { dayOf } from './partitions.js';

/**
 * The last day whose rows have labels that count at `asOf`: a label is known `label_maturity_days` after its row's day.
 * Training, the promotion gate and monitoring all go by it; a label that stands in the data earlier may still change.
 */
export function lastLabelledDay({ config }: Pick<Pipeline, 'config'>, asOf: string): string {
  const { label_maturity_days } = config.monitoring_config;
  const day = new Date(Date.parse(dayOf(asOf)) - label_maturity_days * 86_400_000).toISOString();
  // Years before 0 have a sign and six digits, which do not sort as text.
  return /^\d{4}-/.test(day) ? day.slice(0, 10) : '0000-01-01';
}

/**
 * A value of the label store: 0, 1, or `undefined` where it isn't known yet.
 * @throws PerdureError `InputInvalid` for anything else
 */
export function labelOf(pipeline: Pipeline, value: number | null): 0 | 1 | undefined {
  if (value === 0 || value === 1) return value;
  if (value === null || isMissing(value)) return undefined;
  throw new PerdureError('InputInvalid', `The column ${pipeline.definition.label} of the label store holds ${value}; expected 0 or 1.`);
}
