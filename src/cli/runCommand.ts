import type { Command } from '@commander-js/extra-typings';
import { pipelineArgument } from './help.js';
import { asOfOption, jsonOption, storeOption } from './options.js';

/** What is the same in all commands that start a workflow and follow it to its end. */
export function runCommand(program: Command, pipelines: string[], name: string, description: string) {
  return program
    .command(name)
    .description(description)
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(asOfOption())
    .option('--reason <text>', "why, for people who read the run's history")
    .addOption(storeOption())
    .addOption(jsonOption());
}
