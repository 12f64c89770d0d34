import { GIB } from '../src/platform/resources/resources.js';
import type { Section } from './section.js';
import { sizedStages, type StageRun } from './sizedStages.js';

const HEAD = [
  'stage'.padEnd(34),
  'rows'.padStart(10),
  'seconds'.padStart(8),
  'rows/s'.padStart(9),
  'peak, GiB'.padStart(10),
  'limit, GiB'.padStart(10),
  'spilled, GiB'.padStart(12),
].join(' ');

/** Every stage with data in its hands, each in a process of its worker's resources, on `copies` times 100,000 rows. */
export function stagesAt(copies: number): Section {
  return {
    title: `Stages at ${copies / 10} million rows, each held to its worker's memory`,
    async run(name, folder, tell) {
      tell('generating the CSV');
      const stages = await sizedStages(name, folder, copies);
      const lines = [HEAD];
      async function noted<Output>(run: Promise<StageRun<Output>>): Promise<Output> {
        const done = await run;
        lines.push(lineOf(done));
        tell(lineOf(done));
        return done.results[0]!;
      }

      const { written } = await noted(stages.bronze());
      const partitions = [...written].sort();
      await noted(stages.silver(partitions));
      await noted(stages.gold(partitions));
      const dataset = await noted(stages.preprocess());
      for (const algorithm of stages.algorithms) await noted(stages.twoCandidates(algorithm, dataset));
      const algorithm = stages.algorithms.at(-1)!;
      const model = await noted(stages.refit(algorithm, dataset));
      const performance = await noted(stages.evaluateModel(algorithm, dataset, model));
      const registered = await stages.registerModel(algorithm, dataset, model, performance);
      await noted(stages.predict(registered.results[0]!, dataset));
      return lines;
    },
  };
}

function lineOf({ stage, rows, seconds, peak, limit, spilled }: StageRun<unknown>): string {
  return [
    stage.padEnd(34),
    String(rows).padStart(10),
    seconds.toFixed(1).padStart(8),
    Math.round(rows / seconds)
      .toLocaleString('en')
      .padStart(9),
    (peak / GIB).toFixed(2).padStart(10),
    (limit / GIB).toFixed(2).padStart(10),
    (spilled / GIB).toFixed(2).padStart(12),
  ].join(' ');
}
