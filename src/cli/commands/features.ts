import type { Command } from '@commander-js/extra-typings';
import { pipelineArgument, withExamples } from '../help.js';
import { jsonOption, storeOption } from '../options.js';

/** `perdure features` */
export function addFeatures(program: Command, pipelines: string[]): void {
  const command = program
    .command('features')
    .description('look up the features of keys, as processing wrote them last')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument('<key...>', 'keys; of several columns, each as a JSON array such as \'["2013-01-01", "UA"]\'')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, keys, options) => {
      const { showFeatures } = await import('../features.js');
      await showFeatures(pipeline, keys, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure features ${pipeline} 7590-VHVEG`, 'the features of one key'],
    [`perdure features ${pipeline} 7590-VHVEG 5575-GNVDE --json`, 'for scripts'],
  ]);
}
