import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFolder } from '../src/package.js';
import type { AlgorithmTrained } from '../src/contracts/index.js';
import { literal, withDuckDb } from '../src/data/duckdb.js';
import { GIB } from '../src/platform/resources/resources.js';
import { measure, type Measured } from './processTree.js';
import { referencePython } from './python.js';
import type { Section } from './section.js';
import { sizedWorker, WORKER_LIMITS_GIB } from './sizedWorkers.js';

interface Shape {
  rows: number;
  numbers: number;
  /** Columns of text, a third of them of more values than one-hot encoding takes. */
  texts: number;
}

const FEW_TEXTS = 8;
const MANY_TEXTS = 200;

const SHAPES: Shape[] = [
  { rows: 100_000, numbers: 20, texts: 10 },
  { rows: 336_000, numbers: 115, texts: 6 },
  { rows: 1_000_000, numbers: 20, texts: 10 },
];

/** What the command says on standard error once every model is evaluated and the champion is chosen. */
const EVALUATED = 'Train models: champion';

/**
 * From a CSV to evaluated models with default parameters: `perdure run` of the shortest definition, start-up and server
 * included, until its models are evaluated and until it ends (predictions and monitoring included), against the plain
 * Python script that fits and evaluates the same estimators. `PERDURE_BENCH_ROWS`, with commas, chooses among the sizes.
 */
export const anyTable: Section = {
  title: 'From a CSV to evaluated models, by defaults, against a plain Python script',
  async run(_pipeline, folder, tell) {
    const python = await referencePython();
    const lines = [
      'table                 run           evaluated  of the script   whole run   peak, GiB   ROC AUC, test rows',
    ];
    const asked = process.env.PERDURE_BENCH_ROWS?.split(',').map(Number);
    for (const shape of SHAPES.filter(({ rows }) => asked?.includes(rows) ?? true)) {
      const name = `${(shape.rows / 1000).toFixed(0)}k x ${shape.numbers + shape.texts}`;
      const home = join(folder, String(shape.rows));
      const csv = join(home, 'table.csv');
      await mkdir(home, { recursive: true });
      tell(`${name}: generating`);
      await generate(csv, folder, shape);
      tell(`${name}: the script`);
      const script = await measure(python, [join(packageFolder(), 'bench', 'plainScript.py'), csv, 'label', 'id'], {
        cwd: home,
        whole: true,
      });
      tell(`${name}: Perdure`);
      const ours = await perdure(home, csv);
      lines.push(
        line(name, 'script', script, script.seconds, script, JSON.parse(script.stdout) as Record<string, number>),
        line('', 'Perdure', ours, ours.secondsUntil, script, aucs(ours.stdout)),
        ...Object.entries(WORKER_LIMITS_GIB).map(
          ([worker, limit]) => `${' '.repeat(22)}${worker}: peak ${gib(ours.peaks[worker] ?? NaN)} of ${limit} GiB`,
        ),
      );
    }
    return lines;
  },
};

/** Writes a table of which every third column says something of the label, with a hundredth of the numbers missing. */
async function generate(csv: string, scratch: string, { rows, numbers, texts }: Shape): Promise<void> {
  const number = (i: number) => {
    const signal = i % 3 === 0 ? `hidden / ${1 + i} + ` : '';
    return `CASE WHEN random() < 0.01 THEN NULL ELSE round(${signal}random() * ${1 + i}, 4) END AS n${i}`;
  };
  const text = (i: number) => {
    const values = i % 3 === 2 ? MANY_TEXTS : FEW_TEXTS;
    return `'v' || CAST(floor(random() * ${values} + ${i % 3 === 0 ? 'hidden' : 0}) AS INTEGER) AS t${i}`;
  };
  const columns = [
    ...Array.from({ length: numbers }, (_, i) => number(i)),
    ...Array.from({ length: texts }, (_, i) => text(i)),
  ];
  const signal = AbortSignal.timeout(600_000);
  await withDuckDb(
    { resources: { cpus: 1, memory: 4 * GIB }, scratch, signal },
    async (database) => {
      await database.run('SELECT setseed(0.5)');
      await database.run(
        `COPY (SELECT id, ${columns.join(', ')}, CAST(random() < 1 / (1 + exp(2 - hidden)) AS INTEGER) AS label
               FROM (SELECT range AS id, random() * 3 AS hidden FROM range(${rows})))
         TO ${literal(csv)} (HEADER)`,
      );
    },
    { threads: 1 },
  );
}

async function perdure(home: string, csv: string): Promise<Measured> {
  const pipeline = join(home, 'conf', 'pipelines', 'table');
  await mkdir(pipeline, { recursive: true });
  const definition = { source: csv, key: 'id', label: 'label', task: 'binary' };
  await writeFile(join(pipeline, 'pipeline.json'), JSON.stringify(definition));
  const main = join(packageFolder(), 'dist', 'src', 'cli', 'main.js');
  return measure('node', [main, 'run', 'table', '--json'], {
    cwd: home,
    env: { PERDURE_CONF: join(home, 'conf') },
    whole: true,
    nameOf: sizedWorker,
    until: EVALUATED,
  });
}

function aucs(stdout: string): Record<string, number> {
  const { training } = JSON.parse(stdout) as { training: { algorithms: Record<string, AlgorithmTrained> } };
  return Object.fromEntries(
    Object.entries(training.algorithms).map(([name, { test }]) => [name, test?.roc_auc ?? NaN]),
  );
}

function line(
  name: string,
  run: string,
  measured: Measured,
  evaluated: number,
  script: Measured,
  scores: Record<string, number>,
): string {
  const told = Object.entries(scores).map(([estimator, score]) => `${estimator} ${score.toFixed(4)}`);
  return [
    name.padEnd(21),
    run.padEnd(9),
    evaluated.toFixed(1).padStart(13),
    (evaluated / script.seconds).toFixed(2).padStart(14),
    measured.seconds.toFixed(1).padStart(11),
    gib(measured.peaks.whole ?? NaN).padStart(11),
    ` ${told.join(', ')}`,
  ].join(' ');
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(2);
}
