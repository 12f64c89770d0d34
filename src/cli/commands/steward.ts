import { Option, type Command } from '@commander-js/extra-typings';
import { pipelineArgument, withExamples } from '../help.js';
import { jsonOption, reasonOption, storeOption } from '../options.js';

/** `perdure steward ...`: the long-lived workflow of a pipeline. */
export function addSteward(program: Command, pipelines: string[]): void {
  const steward = program
    .command('steward')
    .description('the long-lived workflow of a pipeline: retrains on drift and new data, and can be steered');
  const add = (name: string, description: string) =>
    steward
      .command(name)
      .description(description)
      .addArgument(pipelineArgument('<pipeline>', pipelines))
      .addOption(storeOption())
      .addOption(jsonOption());
  const load = () => import('../steward.js');

  const start = add('start', 'start it; one that runs already is left as it is').action(async (pipeline, options) =>
    (await load()).startSteward(pipeline, options),
  );
  withExamples(start, pipelines, (pipeline) => [[`perdure steward start ${pipeline}`, 'beside "perdure up"']]);
  const state = add('state', 'what is asked, in flight and to approve, and what happened').action(
    async (pipeline, options) => (await load()).stewardState(pipeline, options),
  );
  withExamples(state, pipelines, (pipeline) => [[`perdure steward state ${pipeline}`, 'what it is about']]);
  const approve = add('approve', 'let the retraining that waits for approval run, or decline it')
    .option('--decline', 'strike off what waits for approval instead')
    .addOption(requestOption())
    .addOption(reasonOption())
    .action(async (pipeline, options) => (await load()).approveRetrain(pipeline, options));
  withExamples(approve, pipelines, (pipeline) => [
    [`perdure steward approve ${pipeline} --reason "drift is real"`, 'train'],
    [`perdure steward approve ${pipeline} --decline --reason "a holiday"`, 'do not train'],
  ]);
  const decline = add('decline', 'strike off the retraining that waits for approval, as "approve --decline" does')
    .addOption(requestOption())
    .addOption(reasonOption())
    .action(async (pipeline, options) => (await load()).approveRetrain(pipeline, { ...options, decline: true }));
  withExamples(decline, pipelines, (pipeline) => [
    [`perdure steward decline ${pipeline} --reason "a holiday"`, 'do not train'],
  ]);
  const pause = add('pause', 'start nothing more; what is asked is kept')
    .addOption(reasonOption())
    .action(async (pipeline, options) => (await load()).pauseSteward(pipeline, options));
  withExamples(pause, pipelines, (pipeline) => [
    [`perdure steward pause ${pipeline} --reason audit`, 'until it is resumed'],
  ]);
  const resume = add('resume', 'go on')
    .addOption(reasonOption())
    .action(async (pipeline, options) => (await load()).resumeSteward(pipeline, options));
  withExamples(resume, pipelines, (pipeline) => [
    [`perdure steward resume ${pipeline}`, 'with what was asked meanwhile'],
  ]);
  for (const [move, description, otherwise] of MOVES) {
    const command = add(move, `${description}, and predict with it at once`)
      .argument(
        '[model]',
        `an alias, an algorithm for its latest version, or algorithm/version (default: ${otherwise})`,
      )
      .addOption(reasonOption())
      .action(async (pipeline, model, options) => (await load()).moveBySteward(move, pipeline, model, options));
    withExamples(command, pipelines, (pipeline) => [
      [`perdure steward ${move} ${pipeline} --reason "checked by hand"`, otherwise],
      [`perdure steward ${move} ${pipeline} xgboost --reason "checked by hand"`, 'the latest xgboost'],
    ]);
  }
}

const MOVES = [
  ['promote', 'make a version champion', 'the challenger'],
  ['rollback', 'go back to the champion before, or to a named version', 'the version before'],
] as const;

function requestOption() {
  return new Option('--request <id>', 'the one request that is meant (default: all that wait)');
}
