import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { loadPipeline, type Pipeline } from '../src/config/load.js';
import { gridCell, type ParameterGrid } from '../src/contracts/index.js';
import { SCORERS, type ScoringOf } from '../src/contracts/metrics.js';
import { ZERO_OR_ONE } from '../src/contracts/task.js';
import { withDuckDb } from '../src/data/duckdb.js';
import { generateCsv } from '../src/data/synthetic.js';
import { createEnginePool } from '../src/ml/engines/hostPool.js';
import type { EnginePool, Estimator, FoldEvaluation, MatrixFile } from '../src/ml/engines/pool.js';
import { sampleCells } from '../src/ml/parameterSampler.js';
import { raceRungs, selectCandidates } from '../src/ml/racing.js';
import { gridOf } from '../src/ml/searchSpace.js';
import { limitsOf } from '../src/platform/resources/limits.js';
import { createRunStage } from '../src/stages/createContext.js';
import { STAGES } from '../src/stages/index.js';
import { matrixFile } from '../src/stages/matrixFile.js';
import { openStores } from '../src/platform/storage/stores.js';
import { searchData, type SearchData } from './searchData.js';
import type { Section } from './section.js';

/** All that a search of labels of 0 and 1 may maximise. */
const SCORINGS = Object.keys(SCORERS.binary) as ScoringOf<'binary'>[];
const CV_FOLDS = 5;
const CANDIDATES = 20;
const SEED = 42;
/** Trees are searched in these numbers, so that the section takes an hour and not a day. */
const FEWER_TREES = [10, 20, 40];
const AS_OF = '2009-01-31';
const never = new AbortController().signal;

/** One search in full: what every candidate scored on every fold, by every scoring, and the seconds of each. */
interface FullSearch {
  data: string;
  rows: number;
  algorithm: string;
  /** A row of folds for each candidate. */
  evaluations: FoldEvaluation[][];
}

/** What racing would have made of a search. */
interface Race {
  data: string;
  rows: number;
  algorithm: string;
  scoring: ScoringOf<'binary'>;
  /** The best mean CV score less that of the candidate that won the race. */
  regret: number;
  /** Seconds of all fits, and of those that the race asked for. */
  full: number;
  raced: number;
}

/**
 * What racing costs in CV score and saves in time: every candidate is evaluated on every fold, once for all scorings,
 * and the race is then run over what they scored.
 */
export const racing: Section = {
  title: 'Racing against the full search: 20 candidates, 5 folds',
  async run(name, folder, tell) {
    const pipeline = await loadPipeline(name);
    const real = process.env.PERDURE_BENCH_DATA;
    const kept = process.env.PERDURE_BENCH_KEEP ?? join(folder, 'kept');
    await mkdir(kept, { recursive: true });
    const memory = Math.min(totalmem() / 2, 8 * 2 ** 30);
    const engines = createEnginePool(limitsOf({ cpus: availableParallelism(), memory }).engines);
    const races: Race[] = [];
    const sets = [...searchData(real), demoData(pipeline)];
    try {
      for (const data of sets) {
        for (const [algorithm, { estimator, param_distributions }] of Object.entries(pipeline.config.algorithms)) {
          tell(`${data.name}, ${algorithm}`);
          const fewer: ParameterGrid = 'n_estimators' in param_distributions ? { n_estimators: FEWER_TREES } : {};
          const search = await fullSearch(
            data,
            { algorithm, estimator, grid: { ...gridOf(param_distributions), ...fewer } },
            { folder, kept, engines },
          );
          races.push(...SCORINGS.map((scoring) => race(search, scoring)));
        }
      }
    } finally {
      await engines.close();
    }
    return [
      `${sets.length} data sets, ${races.length} searches${real === undefined ? '; real files are left out without PERDURE_BENCH_DATA, a folder that has them' : ''}`,
      '',
      ...table('scoring', races, ({ scoring }) => scoring),
      '',
      ...table('algorithm', races, ({ algorithm }) => algorithm),
      '',
      ...table('rows', races, ({ rows }) => sizeOf(rows)),
      '',
      ...table('', races, () => 'all'),
    ];
  },
};

/** The pipeline's own generated data, as it comes out of its preprocessing. */
function demoData(pipeline: Pipeline): Pick<SearchData, 'name' | 'write'> {
  return {
    name: 'demo',
    async write(folder) {
      const source = join(folder, 'demo.csv');
      await generateCsv(pipeline, source);
      const storeRoot = join(folder, 'demo-store');
      const scratchRoot = join(folder, 'demo-scratch');
      const resources = { cpus: 1, memory: 2 * 2 ** 30 };
      const runStage = createRunStage({
        storeRoot,
        scratchRoot,
        engines: createEnginePool(limitsOf(resources).engines),
        resources,
      });
      const call = { signal: never, report: () => {} };
      const asked = {
        pipeline: pipeline.definition.name,
        run: { workflowId: 'racing', runId: 'racing', startedAt: `${AS_OF}T00:00:00Z` },
        asOf: AS_OF,
      };
      const { written } = await runStage(STAGES.bronze, { ...asked, source }, call);
      await runStage(STAGES.silver, { ...asked, partitions: written }, call);
      await runStage(STAGES.gold, { ...asked, partitions: written }, call);
      const dataset = await runStage(STAGES.preprocess, asked, call);
      return matrixFile((await openStores(storeRoot, scratchRoot))(pipeline).datamart, dataset, 'train');
    },
  };
}

interface Searched {
  algorithm: string;
  estimator: Estimator;
  grid: ParameterGrid;
}

/** Evaluates everything, or takes what an earlier run of the section kept. */
async function fullSearch(
  data: Pick<SearchData, 'name' | 'write'>,
  { algorithm, estimator, grid }: Searched,
  { folder, kept, engines }: { folder: string; kept: string; engines: EnginePool },
): Promise<FullSearch> {
  const path = join(kept, `${data.name}_${algorithm}.json`);
  if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8')) as FullSearch;
  const train = await written(data, folder);
  const folds = Array.from({ length: CV_FOLDS }, (_, fold) => fold);
  const evaluations = await Promise.all(
    sampleCells(grid, CANDIDATES, SEED).map((cell) =>
      engines.evaluate(
        {
          train,
          task: ZERO_OR_ONE,
          estimator,
          params: gridCell(grid, cell),
          folds,
          cvFolds: CV_FOLDS,
          scorings: [...SCORINGS],
          seed: SEED,
        },
        never,
      ),
    ),
  );
  const search = { data: data.name, rows: train.rows, algorithm, evaluations };
  await writeFile(path, JSON.stringify(search));
  return search;
}

const matrices = new Map<string, Promise<MatrixFile>>();

/** The matrix of a data set, written once. */
function written(data: Pick<SearchData, 'name' | 'write'>, folder: string): Promise<MatrixFile> {
  const writing =
    matrices.get(data.name) ??
    withDuckDb(
      { resources: { cpus: 1, memory: 2 ** 31 }, scratch: folder, signal: never },
      (database) => data.write(folder, database),
      { threads: 1 },
    );
  matrices.set(data.name, writing);
  return writing;
}

/** Runs the race by what each candidate scored. */
function race({ evaluations, ...of }: FullSearch, scoring: ScoringOf<'binary'>): Race {
  const at = SCORINGS.indexOf(scoring);
  const scored = evaluations.map((folds) => folds.map(({ scores }) => scores[at]!));
  const cvScores = scored.map((folds) => folds.reduce((sum, { score }) => sum + score, 0) / folds.length);
  const seconds = (candidates: number[], folds: number[]) =>
    candidates.reduce(
      (sum, candidate) => sum + folds.reduce((all, fold) => all + evaluations[candidate]![fold]!.seconds, 0),
      0,
    );

  const everybody = evaluations.map((_, index) => index);
  let racers = everybody;
  let raced = 0;
  const seen: number[] = [];
  for (const rung of raceRungs(CV_FOLDS, true, evaluations.length)) {
    raced += seconds(racers, rung);
    seen.push(...rung);
    const contenders = racers.map((index) => ({ index, folds: seen.map((fold) => scored[index]![fold]!) }));
    racers = selectCandidates(contenders, CV_FOLDS).survivors;
  }
  return {
    ...of,
    scoring,
    regret: Math.max(...cvScores) - cvScores[racers[0]!]!,
    full: seconds(everybody, seen),
    raced,
  };
}

function sizeOf(rows: number): string {
  if (rows < 2_000) return 'under 2,000';
  if (rows < 10_000) return '2,000 to 9,999';
  return rows < 50_000 ? '10,000 to 49,999' : '50,000 and more';
}

function table(what: string, races: Race[], groupOf: (race: Race) => string): string[] {
  const groups = [...new Set(races.map(groupOf))];
  return [
    `${what.padEnd(22)} searches  mean regret   worst regret  speed`,
    ...groups.map((group) => {
      const own = races.filter((race) => groupOf(race) === group);
      const regrets = own.map(({ regret }) => regret);
      const sum = (value: (race: Race) => number) => own.reduce((total, race) => total + value(race), 0);
      const mean = sum(({ regret }) => regret) / own.length;
      const speed = sum(({ full }) => full) / sum(({ raced }) => raced);
      return `${group.padEnd(22)} ${String(own.length).padStart(8)} ${mean.toFixed(6).padStart(12)} ${Math.max(
        ...regrets,
      )
        .toFixed(5)
        .padStart(14)} ${speed.toFixed(2).padStart(6)}`;
    }),
  ];
}
