import type { VNode } from 'preact';
import { countOf, listOf, type GoldResult } from '../contracts/index.js';
import type { DatasetMetadata } from '../data/dataset.js';
import { missingRate, type ColumnProfile } from '../monitoring/profile.js';
import { formatNumber, Passed, percent, Section, Table, Verdict } from './components.js';

/** What is told of the rows of a training. */
export interface DataReport {
  dataset: DatasetMetadata;
  columns: Record<string, ColumnProfile>;
  /** Rows that silver left out, by reason. */
  dropped: Record<string, number>;
  /** How the data met what is expected of it; absent where nothing is. */
  quality: ReportedQuality | undefined;
  /** The age of the newest value of each column whose age is expected. */
  freshness: GoldResult['freshness'];
}

/** Expectations of a pipeline, counted over the partitions of silver. */
export interface ReportedQuality {
  evaluated: number;
  met: number;
  /** Each expectation, with the rows that break it where it is not met. */
  rules: { rule: string; dimension: string; severity: string; met: boolean; rows: number }[];
}

/** Columns of the data-quality table. */
const COLUMNS = 200;

/** The rows of a training: how they were split, what is expected of them, and what their columns hold. */
export function DataSection({ dataset, columns, dropped, quality, freshness }: DataReport): VNode {
  const classes = 'classes' in dataset.task ? dataset.task.classes : [];
  const left = Object.entries(dropped).filter(([, rows]) => rows > 0);
  const named = Object.entries(columns);
  const byDays = Object.values(dataset.splits).some((split) => split.start_date || split.end_date);
  return (
    <Section id="data" title="Data and its quality">
      {dataset.warnings.map((warning) => (
        <Verdict kind="warn">
          <p>{warning}</p>
        </Verdict>
      ))}
      <div class="grid">
        <div class="card">
          <h3>Splits</h3>
          <Table
            heads={['split', 'rows', ...classes, 'without label', ...(byDays ? ['days'] : [])]}
            rows={Object.entries(dataset.splits).map(([name, split]) => [
              name,
              split.rows,
              ...classes.map((_, of) => split.classes?.[of] ?? null),
              split.unlabelled,
              ...(byDays ? [`${split.start_date ?? ''} to ${split.end_date ?? ''}`] : []),
            ])}
          />
        </div>
        {quality && (
          <div class="card">
            <h3>Expectations</h3>
            <p class="quiet">
              Quality score {formatNumber(quality.evaluated === 0 ? null : quality.met / quality.evaluated)}:{' '}
              {formatNumber(quality.met)} of {formatNumber(quality.evaluated)} are met, each counted once per partition.
            </p>
            <Table
              heads={['expectation', 'about', 'if broken', 'rows', 'verdict']}
              rows={quality.rules.map(({ rule, dimension, severity, rows, met }) => [
                rule,
                dimension,
                severity,
                rows,
                <Passed passed={met} />,
              ])}
            />
          </div>
        )}
        {freshness && (
          <div class="card">
            <h3>Freshness</h3>
            <Table
              heads={['expectation', 'age of the newest value', 'verdict']}
              rows={Object.entries(freshness).map(([rule, { days, met }]) => [
                rule,
                days === null ? 'no value' : countOf(days, 'day'),
                <Passed passed={met} />,
              ])}
            />
          </div>
        )}
        <div class="card">
          <h3>Rows left out by the checks of the data</h3>
          {left.length === 0 ? (
            <p class="quiet">None.</p>
          ) : (
            <Table heads={['check', 'rows']} rows={left.map(([check, rows]) => [check, rows])} />
          )}
        </div>
        <div class="card">
          <h3>Features of the training rows</h3>
          <details>
            <summary>
              {named.length} features, {named.filter(([, profile]) => profile.missing > 0).length} of which have missing
              values
            </summary>
            <Table
              heads={['feature', 'kind', 'missing', 'values']}
              rows={named
                .slice(0, COLUMNS)
                .map(([name, profile]) => [name, kindOf(profile), percent(missingRate(profile)), rangeOf(profile)])}
            />
          </details>
        </div>
      </div>
    </Section>
  );
}

function kindOf(profile: ColumnProfile): string {
  return profile.kind === 'bins' ? 'number' : 'categories';
}

function rangeOf(profile: ColumnProfile): string {
  if (profile.kind === 'bins')
    return profile.edges.length === 0
      ? 'none'
      : `most from ${formatNumber(profile.edges[0])} to ${formatNumber(profile.edges.at(-1))}`;
  return listOf(Object.keys(profile.counts), 5);
}
