import { Argument, Option, type Command } from '@commander-js/extra-typings';
import { SCHEDULED } from '../../contracts/index.js';
import { pipelineArgument, withExamples } from '../help.js';
import { instantOption, jsonOption } from '../options.js';

/** `perdure schedules ...` */
export function addSchedules(program: Command, pipelines: string[]): void {
  const schedules = program
    .command('schedules')
    .description("start a pipeline's workflows by themselves, as its config says");
  const commands = () => import('../schedules.js');
  const command = (name: string, description: string) =>
    schedules.command(name).description(description).addOption(jsonOption());

  const applied = command('apply', 'make, change and remove schedules until they are as the config says; a pause stays')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .action(async (pipeline, options) => (await commands()).apply(pipeline, options));
  withExamples(applied, pipelines, (pipeline) => [
    [`perdure schedules diff ${pipeline}`, 'what apply would change'],
    [`perdure schedules apply ${pipeline}`, 'change it'],
  ]);
  const diff = command('diff', 'what apply would change')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .action(async (pipeline, options) => (await commands()).diff(pipeline, options));
  withExamples(diff, pipelines, (pipeline) => [[`perdure schedules diff ${pipeline}`, 'nothing is changed']]);
  const list = command('list', 'the schedules with their next and last runs')
    .addArgument(pipelineArgument('[pipeline]', pipelines))
    .action(async (pipeline, options) => (await commands()).list(pipeline, options));
  withExamples(list, pipelines, (pipeline) => [
    ['perdure schedules list', 'of every pipeline'],
    [`perdure schedules list ${pipeline} --json`, 'for scripts'],
  ]);
  const pause = command('pause', 'start no runs until resumed; one under way goes on')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addArgument(partArgument())
    .addOption(noteOption())
    .action(async (pipeline, phase, options) => (await commands()).pause(pipeline, phase, options));
  withExamples(pause, pipelines, (pipeline) => [
    [`perdure schedules pause ${pipeline} training --note "data is being repaired"`, 'until it is resumed'],
  ]);
  const resume = command('resume', 'start runs again')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addArgument(partArgument())
    .addOption(noteOption())
    .action(async (pipeline, phase, options) => (await commands()).resume(pipeline, phase, options));
  withExamples(resume, pipelines, (pipeline) => [
    [`perdure schedules resume ${pipeline} training`, 'from its next time on'],
  ]);
  const trigger = command('trigger', 'start a run now, unless one is at work and the overlap policy is to skip')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addArgument(partArgument())
    .action(async (pipeline, phase, options) => (await commands()).trigger(pipeline, phase, options));
  withExamples(trigger, pipelines, (pipeline) => [[`perdure schedules trigger ${pipeline} inference`, 'a run now']]);
  const backfill = command(
    'backfill',
    'make up for the runs of a time that is past, one after the other, each standing at its own time',
  )
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addArgument(partArgument())
    .addOption(instantOption('--from <date>', 'the first day or instant'))
    .addOption(instantOption('--to <date>', 'the last instant; a date is its first one'))
    .action(async (pipeline, phase, options) => (await commands()).backfill(pipeline, phase, options));
  withExamples(backfill, pipelines, (pipeline) => [
    [`perdure schedules backfill ${pipeline} inference --from 2008-03-01 --to 2008-03-08`, 'the runs of a week'],
  ]);
}

function partArgument() {
  return new Argument('<phase>', 'which schedule').choices(SCHEDULED);
}

function noteOption() {
  return new Option('--note <text>', 'why, for people who look at the schedule');
}
