import { rulesOf } from '../../config/expectations.js';
import type { Pipeline } from '../../config/load.js';
import { countOf, type GoldResult } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { EXPECTATION_TYPES, type ExpectationName } from '../../validation/expectationTypes.js';
import type { LayerManifest } from '../layers.js';
import { daysBetween } from '../periods.js';

/**
 * The age of the newest value of each column whose age is expected, over all partitions of silver.
 *
 * @param asOf the day that the run stands at, ISO 8601
 * @throws PerdureError `InputInvalid` where data are too old, or too new, and must not be
 */
export function checkFreshness(pipeline: Pipeline, silver: LayerManifest, asOf: string): Pick<GoldResult, 'freshness'> {
  const ages: NonNullable<GoldResult['freshness']> = {};
  for (const { name, severity, config } of rulesOf(pipeline.expectations)) {
    const kind = EXPECTATION_TYPES[config.type as ExpectationName] as
      (typeof EXPECTATION_TYPES)[ExpectationName] | undefined;
    if (kind?.about !== 'age') continue;
    const days = Object.values(silver.partitions).flatMap(({ validation }) => validation?.newest?.[name] ?? []);
    const newest = days.sort().at(-1);
    const age = newest === undefined ? null : Math.round(daysBetween(newest, asOf.slice(0, 10)));
    const met = age !== null && kind.check(config.kwargs, () => undefined).met(age);
    ages[name] = { days: age, met };
    if (met || severity !== 'fail') continue;
    throw new PerdureError(
      'InputInvalid',
      `The expectation ${name}, which must hold, is not met: ${newest === undefined ? 'no row has a value' : `the newest value is of ${newest}, ${countOf(age ?? 0, 'day')} before ${asOf.slice(0, 10)}`}; bring newer data, or correct expectations.json, and run again.`,
    );
  }
  return Object.keys(ages).length > 0 ? { freshness: ages } : {};
}
