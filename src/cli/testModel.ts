import { randomUUID } from 'node:crypto';
import { loadPipeline } from '../config/load.js';
import { testVersionAgain } from '../stages/testModel.js';
import { EXIT } from './exitCodes.js';
import { interruption } from './interruption.js';
import type { CommonOptions } from './options.js';
import { selectorOf } from './selector.js';
import { withStagesHere } from './stagesHere.js';
import { chosenStore } from './store.js';
import { requireStore } from './storeCheck.js';
import { print, printJson } from './terminal.js';
import { testTable } from './testTable.js';

/** Tests a registered version in this process, and keeps what was measured; moves nothing. */
export async function testModelHere(name: string, model: string, options: CommonOptions): Promise<void> {
  const pipeline = await loadPipeline(name);
  const storeRoot = chosenStore(options);
  await requireStore(storeRoot, [name]);
  const run = { workflowId: 'perdure models test', runId: randomUUID(), startedAt: new Date().toISOString() };
  const input = { pipeline: name, run, model: selectorOf(pipeline, model) };
  const { challenger, passed, tests } = await withStagesHere(storeRoot, (runStage) =>
    runStage(testVersionAgain, input, { signal: interruption(), report: () => {} }),
  );
  if (options.json) printJson({ ...challenger, passed, tests });
  else {
    print(testTable(tests));
    print(
      `${challenger.algorithm} ${challenger.version} ${passed ? 'passed its model tests' : 'did not pass its model tests'}; no alias was moved.`,
    );
  }
  if (!passed) process.exitCode = EXIT.testsFailed;
}
