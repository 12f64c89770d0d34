import { join } from 'node:path';
import { loadPipeline } from '../src/config/load.js';
import { packageFolder } from '../src/package.js';
import { generateCsv } from '../src/data/synthetic.js';
import { configured } from './configuration.js';
import { measure } from './processTree.js';
import type { Section } from './section.js';
import { sizedWorker, WORKER_LIMITS_GIB } from './sizedWorkers.js';

const TIMES = 10;

/** Resident memory of each sized worker with its engine processes, over the whole job at ten times the rows. */
export const memory: Section = {
  title: `Peak memory of the workers at ${TIMES} times the rows`,
  async run(name, folder, tell) {
    const pipeline = await loadPipeline(name);
    const rows = (pipeline.definition.source.synthetic?.rows ?? 0) * TIMES;
    const csv = join(folder, 'large.csv');
    tell(`generating ${rows} rows`);
    await generateCsv(pipeline, csv, { rows });
    // Memory doesn't depend on how many candidates there are, as each worker fits as many at a time as it has vCPUs.
    const conf = await configured(folder, name, (config) => void (config.model_config.n_iter_search = 2));
    tell(`the whole job on ${rows} rows, 2 candidates an algorithm`);
    const main = join(packageFolder(), 'dist', 'src', 'cli', 'main.js');
    const { peaks, seconds } = await measure('node', [main, 'run', name, '--csv', csv, '--json'], {
      cwd: folder,
      env: { PERDURE_CONF: conf },
      nameOf: sizedWorker,
    });
    return [
      `worker             peak, GiB   limit, GiB     (${seconds.toFixed(0)} s in all)`,
      ...Object.entries(WORKER_LIMITS_GIB).map(
        ([name, limit]) =>
          `${name.padEnd(18)} ${((peaks[name] ?? NaN) / 2 ** 30).toFixed(2).padStart(9)} ${String(limit).padStart(12)}`,
      ),
    ];
  },
};
