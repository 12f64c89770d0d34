import type { DataProcessingInput, DataProcessingResult } from '../../../src/contracts/index.js';
import { processing } from '../../../workflows/support/activities.js';
import { startRun } from '../../../workflows/support/startRun.js';
import { SOURCE } from '../../../workflows/support/input.js';

/** Data processing as a careless change would leave it: silver before bronze. */
export async function dataProcessing(input: DataProcessingInput): Promise<DataProcessingResult> {
  const { stage, asOf } = startRun(input, { source: SOURCE });
  await processing.silver({ ...stage, partitions: [] });
  const { rows } = await processing.bronze({ ...stage, asOf, source: input.source });
  return { status: 'skipped', reason: 'It is broken on purpose.', rows, partitions: 0 };
}
