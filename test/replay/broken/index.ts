import type { DataProcessingInput, DataProcessingResult } from '../../../src/contracts/index.js';
import { activities } from '../../../workflows/support/activityProxies.js';
import { startRun } from '../../../workflows/support/startRun.js';
import { SOURCE } from '../../../workflows/support/input.js';

/** Data processing as a careless change would leave it: silver before bronze. */
export async function dataProcessing(input: DataProcessingInput): Promise<DataProcessingResult> {
  const { stage, asOf } = startRun(input, { source: SOURCE });
  await activities.silver({ ...stage, partitions: [] });
  const { rows } = await activities.bronze({ ...stage, asOf, source: input.source });
  return { status: 'skipped', reason: 'It is broken on purpose.', rows, partitions: 0 };
}
