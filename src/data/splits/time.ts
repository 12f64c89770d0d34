import { DateTime, Duration, type DurationLikeObject } from 'luxon';
import { PerdureError } from '../../errors.js';
import { literal } from '../duckdb.js';
import { dayOf, earlier } from '../partitions.js';
import { SPLITS, type SplitName } from '../../contracts/index.js';
import type { TimeSplitSettings } from '../../config/splitSettings.js';
import type { SplitDays, SplitKind } from './split.js';

/** Rows by their day: see `TimeSplitSettings`. */
export function timeSplit(settings: TimeSplitSettings, day: string | undefined): SplitKind {
  if (day === undefined) {
    throw new PerdureError(
      'ConfigInvalid',
      'A split by time needs rows with a day, and this pipeline has no "time"; name the column or give another "split", such as {"by": "random"}.',
    );
  }
  const names = SPLITS.filter((name) => name === 'train' || settings[name] !== undefined);
  return {
    names,
    columns: [],
    days: (asOf) => splitDays(settings, names, asOf),
    sql: (asOf) => {
      const date = (text: string) => `CAST(${literal(text)} AS DATE)`;
      const whens = [...splitDays(settings, names, asOf)].map(([name, { from, to }]) => {
        const after = from === undefined ? '' : `CAST(${day} AS DATE) >= ${date(from)} AND `;
        return `WHEN ${after}CAST(${day} AS DATE) <= ${date(to)} THEN ${literal(name)}`;
      });
      return `CASE ${whens.join(' ')} END`;
    },
  };
}

/** Goes back in time from `asOf`: each split ends where the next one begins. */
function splitDays(settings: TimeSplitSettings, names: SplitName[], asOf: string): Map<SplitName, SplitDays> {
  const gap = settings.gap === undefined ? {} : durationOf(settings.gap);
  const backwards: [SplitName, SplitDays][] = [];
  let end = before(dayOf(asOf), gap);
  for (const [i, name] of [...names].reverse().entries()) {
    if (name === 'train' && i > 0) end = before(end, gap);
    const setting = settings[name];
    let days: SplitDays = { to: end };
    if (typeof setting === 'object') {
      days = { ...(setting.from === undefined ? {} : { from: setting.from }), to: earlier(setting.to ?? end, end) };
    } else if (setting !== undefined) {
      days.from = /^\d{4}-/.test(setting) ? setting : before(before(end, durationOf(setting)), { days: -1 });
    }
    backwards.push([name, days]);
    if (days.from !== undefined) end = earlier(end, before(days.from, { days: 1 }));
  }
  return new Map(backwards.reverse());
}

/** A length in days; a month counts as 30, a year as 365. */
export function gapDays(length: string): number {
  return Duration.fromObject(durationOf(length)).as('days');
}

/** `"6 months"` as luxon has it. */
function durationOf(length: string): DurationLikeObject {
  const [count, unit] = length.split(' ') as [string, string];
  return { [unit]: Number(count) };
}

/** The day that is so much earlier; the last of its month where the month is too short. */
function before(day: string, duration: DurationLikeObject): string {
  const date = DateTime.fromISO(day, { zone: 'utc' }).minus(duration);
  if (!date.isValid || date.year < 1)
    throw new PerdureError(
      'ConfigInvalid',
      `The lengths of "split" lead back to before the year 1 from ${day}; give shorter ones.`,
    );
  return date.toISODate();
}
