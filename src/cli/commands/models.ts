import { Option, type Command } from '@commander-js/extra-typings';
import { ALIASES } from '../../registry/aliases.js';
import { pipelineArgument, withExamples } from '../help.js';
import { jsonOption, reasonOption, storeOption } from '../options.js';

const MODEL = 'an alias, an algorithm for its latest version, or algorithm/version, such as xgboost/v3';
const VERSION = 'a version of the algorithm, such as v3 (default: its latest)';

/** `perdure models ...`: the versions in the registry, and which of them is meant. */
export function addModels(program: Command, pipelines: string[]): void {
  const models = program.command('models').description('look at the registered models, and say which one is meant');
  const add = (name: string, description: string) =>
    models.command(name).description(description).addArgument(pipelineArgument('<pipeline>', pipelines));

  const addMove = (move: 'promote' | 'rollback', description: string, meant: string, otherwise?: string) =>
    add(move, description)
      .argument('[model]', meant, otherwise)
      .addOption(aliasOption())
      .addOption(reasonOption().makeOptionMandatory())
      .addOption(storeOption())
      .addOption(jsonOption())
      .action(async (pipeline, model, options) => {
        const { moveModel } = await import('../moveModel.js');
        await moveModel(move, pipeline, model, options);
      });

  const promote = addMove('promote', 'make a version champion, or what another alias means', MODEL, 'challenger');
  withExamples(promote, pipelines, (pipeline) => [
    [`perdure models promote ${pipeline} --reason "checked by hand"`, 'the best of the newest training'],
    [`perdure models promote ${pipeline} champion --alias production --reason release`, 'what is champion now'],
  ]);

  const rollback = addMove(
    'rollback',
    'go back to the champion before, or to a named version; the next inference uses it',
    `${MODEL} (default: the version before)`,
  );
  withExamples(rollback, pipelines, (pipeline) => [
    [`perdure models rollback ${pipeline} --reason "worse since Monday"`, 'to the champion before'],
    [`perdure models rollback ${pipeline} xgboost/v3 --reason audit`, 'to a version'],
  ]);

  const card = add('card', 'what a version is for, was made from and is worth, in Markdown')
    .argument('[model]', 'an algorithm, or an alias', 'champion')
    .argument('[version]', VERSION)
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, model, version, options) => {
      const { showCard } = await import('../versions.js');
      await showCard(pipeline, model, version, options);
    });
  withExamples(card, pipelines, (pipeline) => [
    [`perdure models card ${pipeline}`, 'of the champion'],
    [`perdure models card ${pipeline} challenger > card.md`, 'into a file'],
  ]);

  const explain = add('explain', 'which features decide what a version says, and what changed since the version before')
    .argument('[model]', 'an algorithm, or an alias', 'champion')
    .argument('[version]', VERSION)
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, model, version, options) => {
      const { explainModel } = await import('../versionImportance.js');
      await explainModel(pipeline, model, version, options);
    });
  withExamples(explain, pipelines, (pipeline) => [
    [`perdure models explain ${pipeline}`, 'of the champion'],
    [`perdure models explain ${pipeline} xgboost --json`, 'of the latest xgboost, with every feature'],
  ]);

  const diff = add('diff', 'how two versions differ: parameters, metrics, and what they were made from')
    .argument('[one]', MODEL, 'champion')
    .argument('[other]', MODEL, 'challenger')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, one, other, options) => {
      const { diffModels } = await import('../versionHistory.js');
      await diffModels(pipeline, one, other, options);
    });
  withExamples(diff, pipelines, (pipeline) => [
    [`perdure models diff ${pipeline}`, 'the champion and the challenger'],
    [`perdure models diff ${pipeline} random_forest xgboost`, 'the latest of each'],
  ]);

  const history = add('history', 'who moved an alias to what, when and why')
    .argument('[alias]', 'an alias, or an algorithm for its latest version', 'champion')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, alias, options) => {
      const { modelHistory } = await import('../versionHistory.js');
      await modelHistory(pipeline, alias, options);
    });
  withExamples(history, pipelines, (pipeline) => [
    [`perdure models history ${pipeline}`, 'of the champion'],
    [`perdure models history ${pipeline} production`, 'of another alias'],
  ]);

  const test = add(
    'test',
    'test a version again: whether it loads, predicts well, and is small, fast and modest enough',
  )
    .argument('[model]', MODEL, 'challenger')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, model, options) => {
      const { testModelHere } = await import('../testModel.js');
      await testModelHere(pipeline, model, options);
    });
  withExamples(test, pipelines, (pipeline) => [
    [`perdure models test ${pipeline}`, 'the best of the newest training'],
    [`perdure models test ${pipeline} champion`, 'what predicts now'],
  ]);

  const list = add('list', 'every version with its metrics')
    .addOption(
      new Option('--alias <name>', 'those alone that the alias means or has meant, such as staging').choices(ALIASES),
    )
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, options) => {
      const { listModels } = await import('../versions.js');
      await listModels(pipeline, options);
    });
  withExamples(list, pipelines, (pipeline) => [
    [`perdure models list ${pipeline}`, 'with what each alias means'],
    [`perdure models list ${pipeline} --alias staging`, 'those that were in staging'],
    [`perdure models list ${pipeline} --json`, 'with every metric'],
  ]);

  const show = add('show', 'one version: its settings, its metrics and what it was made from')
    .argument('[model]', 'an algorithm, or an alias', 'champion')
    .argument('[version]', VERSION)
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, model, version, options) => {
      const { showModel } = await import('../versions.js');
      await showModel(pipeline, model, version, options);
    });
  withExamples(show, pipelines, (pipeline) => [
    [`perdure models show ${pipeline}`, 'the champion'],
    [`perdure models show ${pipeline} xgboost`, 'the latest xgboost'],
    [`perdure models show ${pipeline} xgboost v3`, 'its third version'],
    [`perdure models show ${pipeline} xgboost v20250102_030405_1a2b3c4d`, 'one version by its id'],
  ]);
}

function aliasOption() {
  return new Option('--alias <name>', 'the alias that moves').choices(ALIASES).default('champion');
}
