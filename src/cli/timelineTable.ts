import { countOf, leftOutInWords, versionName, type PeriodEvaluation, type PeriodRecord } from '../contracts/index.js';
import type { Timeline } from '../registry/timeline.js';
import { score } from './phases.js';
import { table } from './table.js';

type Measured = Extract<PeriodEvaluation, { status: 'measured' }>;

/** A timeline in a few lines: how far it goes, and each retraining with how its model did until the next. */
export function timelineTable({ by, periods }: Timeline): string {
  const [first, last] = [periods[0], periods.at(-1)];
  if (!first || !last) return '';
  const trained = periods.filter(({ training }) => training).length;
  const waited = periods.findIndex(({ model }) => model !== null);
  const before = waited < 0 ? periods.length : waited;
  const head = `Timeline: ${countOf(periods.length, by)} from ${first.from} to ${last.to}; ${countOf(trained, 'retraining')}${before > 0 ? `; ${before} without a model` : ''}`;
  const models = byModel(periods.slice(before));
  if (models.length === 0) return head;
  const metric = measured(periods).at(-1)?.metric ?? 'metric';
  const rows = models.map((own) => {
    const [begin, end] = [own[0]!, own.at(-1)!];
    const values = valuesOf(periods, own);
    return [
      begin.from,
      end.to,
      String(own.length),
      begin.training ? begin.decision.because.replaceAll('_', ' ') : '-',
      begin.model ? versionName(begin.model) : '-',
      score(begin.training?.score),
      values.length > 0 ? score(values.reduce((sum, value) => sum + value, 0) / values.length) : '-',
      values.length > 0 ? score(Math.min(...values)) : '-',
    ];
  });
  const { training } = models.findLast(([begin]) => begin!.training)?.[0] ?? {};
  return [
    `${head}\n${table(
      [
        'from',
        'to',
        `${by}s`,
        'trained for',
        'model',
        training?.metric ?? 'score',
        `${metric}\nmean`,
        `${metric}\nlowest`,
      ],
      rows,
      { spare: [1, 7] },
    )}`,
    ...leftOutInWords(training?.left_out ?? {}),
  ].join('\n');
}

/** Periods one after the other that one model predicted, beginning with the one that trained it. */
function byModel(periods: PeriodRecord[]): PeriodRecord[][] {
  const models: PeriodRecord[][] = [];
  for (const period of periods) {
    if (period.training || models.length === 0) models.push([period]);
    else models.at(-1)!.push(period);
  }
  return models;
}

/** What was measured of these periods, which the one after each says. */
function valuesOf(all: PeriodRecord[], own: PeriodRecord[]): number[] {
  const days = new Set(own.map(({ from }) => from));
  return measured(all).flatMap(({ period, value }) => (days.has(period.from) && value !== null ? [value] : []));
}

function measured(periods: PeriodRecord[]): Measured[] {
  return periods.flatMap(({ evaluation }) => (evaluation.status === 'measured' ? [evaluation] : []));
}
