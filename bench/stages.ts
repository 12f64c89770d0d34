import { join } from 'node:path';
import { loadPipeline } from '../src/config/load.js';
import { WORKERS } from '../src/temporal/workers.js';
import { configured } from './configuration.js';
import { writeLargeCsv } from './largeSource.js';
import { runLimited, type LimitedRun } from './limitedStage.js';
import type { Section } from './section.js';

const AS_OF = '2009-01-31';
const RUN = { workflowId: 'bench', runId: 'bench', startedAt: `${AS_OF}T00:00:00Z` };
const GIB = 2 ** 30;

/** Every stage with data in its hands, each in a process of its worker's size, on `copies` times 100,000 rows. */
export function stagesAt(copies: number): Section {
  return {
    title: `Stages at ${copies / 10} million rows, each held to its worker's memory`,
    async run(name, folder, tell) {
      const pipeline = await loadPipeline(name);
      const csv = join(folder, 'large.csv');
      tell('generating the CSV');
      const { rows } = await writeLargeCsv(pipeline, csv, copies);

      const lines = [`${'stage'.padEnd(34)} ${'rows'.padStart(10)} ${'seconds'.padStart(8)} ${'rows/s'.padStart(9)} ${'peak, GiB'.padStart(10)} ${'limit, GiB'.padStart(10)}`];
      const env = { PERDURE_CONF: await configured(folder, name, () => {}) };
      const storeRoot = join(folder, 'store');
      const on = ({ size }: { size: { cpus: number; memory: number } }) => ({ size, storeRoot, cwd: folder, env });
      const [processing, training] = [on(WORKERS.dataProcessing), on(WORKERS.modelTraining)];
      const stage = { pipeline: name, run: RUN };
      const asked = { ...stage, asOf: AS_OF };

      async function timed<Output>(what: string, count: number, memory: number, work: Promise<LimitedRun<Output>>): Promise<Output> {
        tell(what);
        const { results, seconds, peak } = await work;
        const line = [
          what.padEnd(34),
          String(count).padStart(10),
          seconds.toFixed(1).padStart(8),
          Math.round(count / seconds).toLocaleString('en').padStart(9),
          (peak / GIB).toFixed(2).padStart(10),
          (memory / GIB).toFixed(0).padStart(10),
        ].join(' ');
        lines.push(line);
        tell(line);
        return results[0]!;
      }
      const small = processing.size.memory;
      const large = training.size.memory;

      const { written } = await timed('bronze', rows, small, runLimited('bronze', [{ ...asked, source: csv }], processing));
      const partitions = [...written].sort();
      await timed('silver', rows, small, runLimited('silver', [{ ...stage, partitions }], processing));
      await timed('gold', rows, small, runLimited('gold', [{ ...stage, partitions }], processing));

      const dataset = await timed('preprocess', rows, large, runLimited('preprocess', [asked], training));
      const train = dataset.rows.train;
      const algorithms = Object.entries(pipeline.config.algorithms);
      for (const [algorithm, { params }] of algorithms) {
        // Two candidates side by side, as in a search; the first fold stands for the others.
        const candidates = [0, 1].map((index) => ({ ...stage, algorithm, dataset, candidate: { index, params }, folds: [0] }));
        await timed(`2 candidates, ${algorithm}`, 2 * train, large, runLimited('evaluateCandidate', candidates, training));
      }
      const [algorithm, { params }] = algorithms.at(-1)!;
      const fitted = { ...stage, algorithm, dataset };
      const model = await timed(`refit, ${algorithm}`, train, large, runLimited('refit', [{ ...fitted, params }], training));
      const performance = await timed('evaluateModel', rows, large, runLimited('evaluateModel', [{ ...fitted, model }], training));
      const registered = await runLimited('registerModel', [{ ...fitted, model, best_params: params, cv_score: 0, candidates: [], performance }], training);
      await timed('predict', dataset.rows.oot, small, runLimited('predict', [{ ...asked, model: registered.results[0]! }], processing));
      return lines;
    },
  };
}
