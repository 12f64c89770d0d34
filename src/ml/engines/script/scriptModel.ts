import { existsSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { agreeing, countOf } from '../../../contracts/counts.js';
import type { TaskSpec } from '../../../contracts/task.js';
import { PerdureError, messageOf } from '../../../errors.js';
import { readColumns, columnNames, writeColumns, type Column } from '../../../platform/files/parquet.js';
import { fromColumns } from '../../modelOutput.js';
import { taskOf } from '../../tasks/task.js';
import { NOT_EXPLAINED, type Script } from '../../estimators/estimator.js';
import type { Model, Rows, TrainingStep } from '../binding.js';
import { packed, unpacked, type ArchivedFile } from './archive.js';
import { filesBelow, writeBelow } from './files.js';
import type { ScriptProcess } from './scriptProcess.js';
import { columnsOf, type ScriptRows } from './scriptRows.js';

/** What starts processes of scripts. */
export interface Runs {
  start(
    script: Script,
    sources: string,
    args: string[],
    memory: number,
    onMessage: (message: Record<string, unknown>) => void,
  ): Promise<ScriptProcess>;
}

/** `perdure.json` of a model's archive: what is to be known beside the model's own files (`model/`) and the script's (`script/`). */
const modelFacts = z.object({
  format: z.literal(1),
  script: z.object({
    name: z.string(),
    folder: z.string(),
    command: z.array(z.string()).min(1),
    timeout_seconds: z.number(),
    validation_share: z.number(),
  }),
  task: z.custom<TaskSpec>((task) => typeof task === 'object'),
  features: z.array(z.string()),
});
export type ModelFacts = z.infer<typeof modelFacts>;
const FACTS = 'perdure.json';
/** What a training told of its steps, a line of JSON each. */
const METRICS = 'metrics.jsonl';

/** Writes a model's archive below a folder, as `script` and `model`. Throws an Error where it is not whole. */
export async function unpackModel(bytes: Uint8Array, folder: string): Promise<ModelFacts> {
  const files = unpacked(bytes);
  await writeBelow(folder, files);
  const facts = files.find(({ path }) => path === FACTS);
  if (!facts) throw new Error(`it lacks ${FACTS}`);
  return modelFacts.parse(JSON.parse(Buffer.from(facts.bytes).toString()));
}

/** Where a model lies. */
interface Place {
  /** A copy of the script's folder. */
  sources: string;
  /** What the script wrote. */
  model: string;
  /** What goes with the model. */
  folder: string;
  memory: number;
}

/** A folder that a script wrote, and the process that predicts by it: started with the first rows, it answers until the model is freed. */
export class ScriptModel implements Model {
  private process: Promise<ScriptProcess> | undefined;
  private answered: ((path: unknown) => void) | undefined;

  constructor(
    private readonly runs: Runs,
    private readonly facts: ModelFacts,
    private readonly place: Place,
    /** Lines of JSON that its training told, which are kept with it. */
    private readonly metrics: readonly string[] = [],
  ) {}

  features(): string[] {
    return this.facts.features;
  }

  async predict(rows: Rows): Promise<Float64Array> {
    const { features } = rows as ScriptRows;
    if (features.rows === 0) return new Float64Array(0);
    const data = join(this.place.folder, 'rows.parquet');
    const output = join(this.place.folder, 'predictions.parquet');
    await rm(output, { force: true });
    await writeColumns(data, columnsOf(features, this.facts.features));
    const process = await (this.process ??= this.start());
    const answer = new Promise<unknown>((resolve) => (this.answered = resolve));
    process.write(JSON.stringify({ data, output, rows: features.rows }));
    const over = process.fault.then((fault) => {
      this.process = undefined;
      throw (
        fault ??
        this.failed(`ended without an answer; have "predict" read a line of stdin after the other, and answer each`)
      );
    });
    await process.within('predicted', Promise.race([answer, over]));
    return this.read(output, features.rows);
  }

  contributions(): never {
    throw new PerdureError('EngineFailed', NOT_EXPLAINED['model.tar']!);
  }

  gain(): never {
    throw new PerdureError('EngineFailed', 'A script says nothing of splits whose gain could be counted.');
  }

  /** Those of its metrics that are numbers. */
  steps(): TrainingStep[] {
    return this.metrics.map((line, at) => {
      const { step, metrics } = JSON.parse(line) as { step: unknown; metrics: Record<string, unknown> };
      const numbers = Object.entries(metrics).filter((entry): entry is [string, number] => Number.isFinite(entry[1]));
      return { step: Number.isFinite(step) ? (step as number) : at + 1, metrics: Object.fromEntries(numbers) };
    });
  }

  async save(): Promise<Buffer> {
    const below = async (name: string, folder: string): Promise<ArchivedFile[]> =>
      (await filesBelow(folder)).map(({ path, bytes }) => ({ path: `${name}/${path}`, bytes }));
    return packed([
      { path: FACTS, bytes: Buffer.from(JSON.stringify(this.facts)) },
      ...(this.metrics.length > 0 ? [{ path: METRICS, bytes: Buffer.from(`${this.metrics.join('\n')}\n`) }] : []),
      ...(await below('script', this.place.sources)),
      ...(await below('model', this.place.model)),
    ]);
  }

  free(): void {
    void this.process?.then((process) => process.kill()).catch(() => undefined);
    this.process = undefined;
    rmSync(this.place.folder, { recursive: true, force: true });
  }

  private start(): Promise<ScriptProcess> {
    const { script } = this.facts;
    const { sources, model, memory } = this.place;
    return this.runs.start(script, sources, ['predict', '--model', model], memory, (message) => {
      if ('predicted' in message) this.answered?.(message.predicted);
    });
  }

  /** What the script wrote of some rows, checked. */
  private async read(path: string, rows: number): Promise<Float64Array> {
    const { task } = this.facts;
    const { width, isSound } = taskOf(task);
    const columns = await this.columns(path);
    if (columns.length !== width)
      throw this.failed(
        `predicted ${countOf(columns.length, 'column')}, and ${agreeing(width, 'one is', `${width} are`)} expected of a ${task.task} task; see docs/scripts.md`,
      );
    const found = columns[0]!.length;
    if (found !== rows)
      throw this.failed(
        `predicted ${countOf(found, 'row')} of ${rows}; have it write one for each row that it is given`,
      );
    const { values } = fromColumns(columns);
    for (let row = 0; row < rows; row++) {
      const said = values.subarray(row * width, (row + 1) * width);
      if (!isSound(said))
        throw this.failed(
          `predicted ${Array.from(said, (value) => Number(value.toPrecision(6))).join(', ')} of row ${row + 1}, and ${EXPECTED[task.task]}; correct it`,
        );
    }
    return values;
  }

  private async columns(path: string): Promise<Column[]> {
    if (!existsSync(path))
      throw this.failed(
        'answered, and wrote no predictions; have "predict" write them to the path that "output" names',
      );
    try {
      return await readColumns(path, await columnNames(path));
    } catch (error) {
      throw this.failed(`wrote no predictions that can be read (${messageOf(error)}); correct "predict"`);
    }
  }

  private failed(what: string): PerdureError {
    return new PerdureError('EngineFailed', `The script ${this.facts.script.name} ${what}.`);
  }
}

const EXPECTED = {
  binary: 'a probability from 0 to 1 is expected',
  multiclass: 'probabilities from 0 to 1 that add up to 1 are expected',
  regression: 'a finite number is expected',
};
