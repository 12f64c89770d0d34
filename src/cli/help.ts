import { Argument, type Command } from 'commander';

/** The argument that names a pipeline. */
export function pipelineArgument(name: '<pipeline>' | '[pipeline]', pipelines: string[]): Argument {
  const known = pipelines.length > 0 ? pipelines.join(', ') : 'none yet';
  return new Argument(name, `a folder in conf/pipelines (${known})${name === '[pipeline]' ? ', or all' : ''}`);
}

/** Adds examples to a command's help: pairs of what follows `perdure` and what it does, for a pipeline that is there. */
export function withExamples(command: Command, pipelines: string[], examples: (pipeline: string) => [string, string][]): Command {
  const shown = examples(pipelines[0] ?? 'my-pipeline');
  const width = Math.max(...shown.map(([line]) => line.length));
  const lines = shown.map(([line, meaning]) => `  $ ${line.padEnd(width)}   ${meaning}`.trimEnd());
  return command.addHelpText('after', ['', 'Examples:', ...lines].join('\n'));
}
