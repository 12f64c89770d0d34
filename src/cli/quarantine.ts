import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { withDuckDb } from '../data/duckdb.js';
import {
  exportQuarantine,
  firstQuarantined,
  openQuarantine,
  quarantineLine,
  returnRows,
  type QuarantinedPartition,
} from '../data/validation/quarantine.js';
import { PerdureError } from '../errors.js';
import { chosenResources } from '../platform/resources/resources.js';
import { interruption } from './interruption.js';
import type { CommonOptions } from './options.js';
import { openToRead } from './store.js';
import { table } from './table.js';
import { count, countOf, print, printJson, say } from './terminal.js';

/** How many rows are shown; a CSV has all. */
const SHOWN = 10;

/**
 * `perdure data quarantine`: shows the rows that break an expectation, writes them as CSV, or takes them back corrected.
 * @throws PerdureError `InputInvalid` for a file that can't be taken back, `AlreadyExists` for one that would be written over
 */
export async function quarantine(
  name: string,
  { csv, return: returned, ...options }: { csv?: string; return?: string } & CommonOptions,
): Promise<void> {
  if (csv !== undefined && returned !== undefined)
    throw new PerdureError('InputInvalid', 'Rows are either written with --csv or taken back with --return; give one.');
  const { pipeline, stores } = await openToRead(name, options);
  const { datamart } = stores;
  const opened = await openQuarantine(pipeline, datamart);
  const scratch = await mkdtemp(join(tmpdir(), 'perdure-quarantine-'));
  const resources = chosenResources({ cpus: availableParallelism(), memory: totalmem() });
  try {
    await withDuckDb(
      { resources, scratch, signal: interruption() },
      async (database) => {
        if (returned !== undefined) {
          const file = resolve(returned);
          if (!existsSync(file))
            throw new PerdureError('InputInvalid', `${file} is not there; name the corrected CSV.`);
          const taken = await returnRows(database, pipeline, datamart, opened, file, scratch);
          if (options.json) printJson(taken);
          else print(takenLine(taken));
          if (taken.corrected > 0) say(`Next: perdure run ${name}`);
        } else if (csv !== undefined) {
          const path = await writeCsv(csv, (file) => exportQuarantine(database, opened, file), opened);
          say(`${quarantineLine(opened)}. Correct them there, keep all columns, and send the file back:`);
          say(`Next: perdure data quarantine ${name} --return ${csv}`);
          if (options.json) printJson({ path });
          else print(path);
        } else {
          const rows = await firstQuarantined(database, opened, SHOWN);
          if (options.json)
            printJson({ rows: total(opened), rules: rulesOf(opened), first: rows.map((value) => ({ value })) });
          else print(screen(pipeline, opened, rows));
        }
      },
      { threads: 1 },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function takenLine({ corrected, unchanged }: { corrected: number; unchanged: number }): string {
  const kept = unchanged > 0 ? `; ${countOf(unchanged, 'row')} as before` : '';
  return `${countOf(corrected, 'corrected row')} for the next run${kept}`;
}

/** Whole or not at all; a file that is there, and may have corrections in it, is never written over. */
async function writeCsv(
  file: string,
  write: (file: string) => Promise<void>,
  opened: QuarantinedPartition[],
): Promise<string> {
  const path = resolve(file);
  if (opened.length === 0) throw new PerdureError('NotFound', 'No rows are in quarantine; there is nothing to write.');
  if (existsSync(path))
    throw new PerdureError('AlreadyExists', `${path} is there already; move it away, or name another file.`);
  const aside = join(dirname(path), `.quarantine-${process.pid}.csv`);
  try {
    await write(aside);
    await rename(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
  return path;
}

interface BrokenRule {
  rule: string;
  partition: string;
  severity: string;
  dimension: string;
  rows: number;
}

/** Expectations that rows break, with how many do. */
function rulesOf(opened: QuarantinedPartition[]): BrokenRule[] {
  return opened.flatMap(({ partition, results }) =>
    results.flatMap(({ rule, severity, dimension, result: { unexpected_count: rows = 0 } }) =>
      rows > 0 ? [{ rule, partition, severity, dimension, rows }] : [],
    ),
  );
}

function total(opened: QuarantinedPartition[]): number {
  return opened.reduce((sum, { rows }) => sum + rows, 0);
}

function screen(
  { definition }: Pipeline,
  opened: QuarantinedPartition[],
  rows: Record<string, string | null>[],
): string {
  if (opened.length === 0) return 'No rows are in quarantine.';
  const { partition, rules } = INTERNAL;
  const keys = definition.keys.filter((key) => rows.some((row) => key in row));
  return [
    quarantineLine(opened),
    '',
    table(
      ['expectation', 'partition', 'severity', 'rows'],
      rulesOf(opened).map(({ rule, partition, severity, rows }) => [rule, partition, severity, count(rows)]),
    ),
    '',
    table(
      ['partition', ...keys, 'breaks'],
      rows.map((row) => [partition, ...keys, rules].map((name) => row[name] ?? '')),
    ),
    ...(total(opened) > rows.length
      ? [`... and ${countOf(total(opened) - rows.length, 'row')} more; --csv writes all`]
      : []),
  ].join('\n');
}
