import type { Progress } from '../contracts/index.js';
import { trainLocally, type LocalTrainingInput } from '../stages/trainLocally.js';
import type { PhaseResults } from './follow.js';
import { describeProgress } from './progressText.js';
import { createReporter } from './reporter.js';
import { summarize } from './phases.js';
import { withStagesHere } from './stagesHere.js';
import { duration } from './terminal.js';

/** Trains in this process with all of the machine or container, without Temporal, and shows how it goes. */
export async function trainHere(
  input: LocalTrainingInput,
  storeRoot: string,
  signal: AbortSignal,
): Promise<PhaseResults> {
  const reporter = createReporter(['training']);
  const began = Date.now();
  let step = '';
  try {
    const training = await withStagesHere(storeRoot, (runStage) =>
      trainLocally(input, {
        runStage,
        signal,
        onStep: (news) => show((step = news)),
        onProgress: (progress) => show(step, progress),
        onAlgorithm: (name, { status }) => show((step = `${name}: ${status}`)),
      }),
    );
    const summary = `${summarize('training', training)} (${duration(Date.now() - began)})`;
    reporter.complete('training', { skipped: training.status === 'skipped', summary });
    return { training };
  } finally {
    await reporter.close();
  }

  function show(step: string, progress?: Progress): void {
    reporter.update('training', [
      { key: 'local', step, text: progress ? `${step}, ${describeProgress(progress)}` : step },
    ]);
  }
}
