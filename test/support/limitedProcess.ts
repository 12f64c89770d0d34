import { PerdureError } from '../../src/errors.js';
import { loadPipeline } from '../../src/config/load.js';
import { generateCsv } from '../../src/data/synthetic.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { bronze } from '../../src/stages/bronze.js';
import { createRunStage } from '../../src/stages/createContext.js';

/**
 * Does one thing in a process of its own, whose disk a test keeps small: `bronze <pipeline> <csv> <store> <scratch>`
 * or `generate <pipeline> <csv>`. Prints the error's type and sentence, or nothing.
 */
// Beyond its limit a write fails, as on a full disk; without a listener the process would be killed.
process.on('SIGXFSZ', () => {});

const [what, pipeline = '', csv = '', storeRoot = '', scratchRoot = ''] = process.argv.slice(2);
try {
  if (what === 'generate') {
    await generateCsv(await loadPipeline(pipeline), csv);
  } else {
    const runStage = createRunStage({
      storeRoot,
      scratchRoot,
      engines: {} as EnginePool,
      resources: { cpus: 1, memory: 2 ** 30 },
    });
    const run = { workflowId: 'limited', runId: 'limited', startedAt: '2020-01-01T00:00:00Z' };
    await runStage(
      bronze,
      { pipeline, run, source: csv, asOf: '2020-12-31' },
      { signal: new AbortController().signal, report: () => {} },
    );
  }
} catch (error) {
  if (!(error instanceof PerdureError)) throw error;
  console.log(`${error.type}: ${error.message}`);
}
