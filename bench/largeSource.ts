import { open, readFile } from 'node:fs/promises';
import type { Pipeline } from '../src/config/load.js';
import { generateCsv } from '../src/data/synthetic.js';

/** Rows that are generated; more are copies of them, each under an identifier of its own. */
const GENERATED = 100_000;
/** Digits of the generated identifiers, so that a number before them makes new ones. */
const DIGITS = 10;

/** Writes a CSV of the pipeline's source with `copies` times 100,000 rows, in which no two rows are equal. */
export async function writeLargeCsv(pipeline: Pipeline, path: string, copies: number): Promise<{ rows: number }> {
  const [first] = Object.keys(pipeline.definition.source.columns);
  if (!first || !pipeline.definition.keys.includes(first))
    throw new Error(`The first column of ${pipeline.definition.name} is no key.`);
  await generateCsv(pipeline, path, { rows: GENERATED });
  const [header, ...rows] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const text = rows.map((row) => row.padStart(row.length + DIGITS - row.indexOf(','), '0')).join('\n');
  const file = await open(path, 'w');
  try {
    await file.write(`${header}\n`);
    for (let copy = 1; copy <= copies; copy++) await file.write(`${copy}${text.replaceAll('\n', `\n${copy}`)}\n`);
  } finally {
    await file.close();
  }
  return { rows: copies * GENERATED };
}
