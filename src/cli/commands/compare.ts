import { Option, type Command } from '@commander-js/extra-typings';
import { METRICS, SPLITS, type MetricName } from '../../contracts/index.js';
import { withExamples } from '../help.js';
import { jsonOption, storeOption } from '../options.js';

/** `perdure compare` */
export function addCompare(program: Command, pipelines: string[]): void {
  const command = program
    .command('compare')
    .description('how models of any pipelines, versions and algorithms do on the same rows, and whether they differ')
    .argument(
      '<model...>',
      'PIPELINE for its champion and the latest of each algorithm, PIPELINE/ALIAS, PIPELINE/ALGORITHM for its latest version, or PIPELINE/ALGORITHM/VERSION; the others are compared with the first',
    )
    .addOption(
      new Option('--split <name>', 'the rows (default: test, else oot, else validation)').choices(
        SPLITS.filter((split) => split !== 'train'),
      ),
    )
    .addOption(
      new Option('--metric <name>', "the metric (default: the one that chooses the first pipeline's champion)").choices(
        Object.keys(METRICS) as MetricName[],
      ),
    )
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (models, options) => {
      const { compareHere } = await import('../compareModels.js');
      await compareHere(models, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure compare ${pipeline}`, 'the champion and the latest of each algorithm'],
    [`perdure compare ${pipeline}/xgboost/v1 ${pipeline}/xgboost/v2`, 'two versions'],
    [`perdure compare ${pipeline}/champion other/champion --metric f1_macro`, 'the champions of two pipelines'],
  ]);
}
