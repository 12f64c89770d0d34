/**
 * Runs one stage in a process of its own, as large as a worker: `<size> <store> <stage>` and its input as JSON. Prints
 * its result as JSON.
 */
import { createEnginePool } from '../src/ml/engines/hostPool.js';
import { limitsOf } from '../src/platform/resources/limits.js';
import { parseResources } from '../src/platform/resources/resources.js';
import type { Stage } from '../src/stages/context.js';
import { createRunStage } from '../src/stages/createContext.js';
import { STAGES } from '../src/stages/index.js';

const [sizeText = '', storeRoot = '', name = '', input = ''] = process.argv.slice(2);
const resources = parseResources(sizeText, 'the size');
const engines = createEnginePool(limitsOf(resources).engines);
try {
  const runStage = createRunStage({ storeRoot, engines, resources });
  const stage = STAGES[name as keyof typeof STAGES] as Stage<unknown, unknown>;
  const inputs = JSON.parse(input) as unknown[];
  // Several inputs are several activities at once.
  const results = await Promise.all(
    inputs.map((each) => runStage(stage, each, { signal: new AbortController().signal, report: () => {} })),
  );
  process.stdout.write(JSON.stringify(results));
} finally {
  await engines.close();
}
