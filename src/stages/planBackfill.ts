import { countOf, type BackfillPlan, type Period, type PlanBackfillInput } from '../contracts/index.js';
import { daysAfter, periodsFrom, periodsOver } from '../data/periods.js';
import { PerdureError } from '../errors.js';
import { readTimeline, type Timeline } from '../registry/timeline.js';
import type { Stage } from './context.js';

/** More periods than anybody has a use for pass through Temporal as one value. */
const MOST_PERIODS = 4_000;

/**
 * Which periods a backfill runs: those asked for that the timeline doesn't have. They go on where the timeline ends, so that
 * every period sees what the one before it left.
 *
 * @throws PerdureError `InputInvalid` for periods that leave a gap, overlap those that are done, or lie before them
 */
export const planBackfill: Stage<PlanBackfillInput, BackfillPlan> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const timeline = await readTimeline(context.stores(pipeline).modelRegistry);
  const done = timeline?.periods ?? [];
  const by = input.by ?? timeline?.by ?? 'week';
  if (timeline && done.length > 0 && timeline.by !== by)
    throw refused(
      `The timeline of ${input.pipeline} goes by the ${timeline.by}, and ${by}s were asked for; ask for ${timeline.by}s.`,
    );
  if (pipeline.definition.partition.column === undefined || pipeline.definition.partition.by === 'arrival')
    throw refused(
      `The rows of ${input.pipeline} have no days, by which periods would be told apart; name them by "time" in pipeline.json.`,
    );

  const asked = askedPeriods(input, by, done);
  if (input.againFrom !== undefined) return planAgain(input, by, asked, done);
  const known = new Set(done.map(({ from }) => from));
  const ahead = asked.filter(({ from }) => !known.has(from));
  checkOrder(input.pipeline, ahead, done);
  return { by, periods: ahead, done: asked.length - ahead.length, first: done.length === 0 };
};

function askedPeriods(
  { pipeline, from, periods, asOf, againFrom }: PlanBackfillInput,
  by: Timeline['by'],
  done: Period[],
): Period[] {
  const last = done.at(-1);
  if (againFrom !== undefined && from === undefined) return done.map(({ from, to }) => ({ from, to }));
  const first = from ?? (last && daysAfter(last.to, 1));
  if (first === undefined)
    throw refused(`No period of ${pipeline} was run yet; say the first day of the first one (--from).`);
  const count = periods ?? periodsOver(first, by, asOf);
  if (count > MOST_PERIODS)
    throw refused(
      `${countOf(count, 'period')} are more than the ${MOST_PERIODS} of one backfill; ask for fewer, and again for the rest.`,
    );
  return periodsFrom(first, by, count);
}

/** Periods that are run again: that of a day, and those after it unless they are kept. */
function planAgain(
  { pipeline, againFrom, later = 'redo' }: PlanBackfillInput,
  by: Timeline['by'],
  asked: Period[],
  done: Timeline['periods'],
): BackfillPlan {
  const at = done.findIndex(({ from, to }) => from <= againFrom! && againFrom! <= to);
  if (at < 0)
    throw refused(`No period of ${pipeline} that was run has the day ${againFrom}; there is nothing to run again.`);
  const first = done[at]!;
  const before = done.slice(0, at).findLast(({ model }) => model !== null);
  const drop = (later === 'keep' ? [first] : done.slice(at)).map(({ from, to }) => ({ from, to }));
  const beyond = asked.filter(({ from }) => from > done.at(-1)!.from);
  const periods = later === 'keep' ? drop : [...drop, ...beyond];
  checkOrder(pipeline, beyond, done);
  return {
    by,
    periods,
    done: later === 'keep' ? 0 : asked.filter(({ from }) => from < first.from).length,
    first: at === 0,
    again: { drop, before: before?.model ?? null, ...(later === 'keep' && { after: done.at(-1)!.model }) },
  };
}

/** Periods ahead come right after the last that is done. */
function checkOrder(pipeline: string, [next]: Period[], done: Period[]): void {
  const last = done.at(-1);
  if (!next || !last) return;
  const expected = daysAfter(last.to, 1);
  if (next.from === expected) return;
  throw refused(
    next.from > expected
      ? `The timeline of ${pipeline} ends on ${last.to}, and a period from ${next.from} on would leave a gap; begin on ${expected}.`
      : `The timeline of ${pipeline} has periods until ${last.to}, which one from ${next.from} on is none of; begin on ${expected}, or run one of them again.`,
  );
}

function refused(reason: string): PerdureError {
  return new PerdureError('InputInvalid', reason);
}
