import { Argument, Help, type Command, type Option } from 'commander';

/** The argument that names a pipeline. */
export function pipelineArgument(name: '<pipeline>' | '[pipeline]', pipelines: string[]): Argument {
  const known = pipelines.length > 0 ? pipelines.join(', ') : 'none yet';
  return new Argument(name, `a folder in conf/pipelines (${known})${name === '[pipeline]' ? ', or all' : ''}`);
}

/** What every command's help has beyond commander's own: which options must be given. Set before commands are added. */
export function markRequired(program: Command): void {
  const plain = new Help();
  program.configureHelp({
    optionDescription: (option: Option) => `${plain.optionDescription(option)}${option.mandatory ? ' (required)' : ''}`,
  });
}

/** Has groups of commands refuse a name that is none of theirs, where help is asked for it, instead of showing their own. */
export function refuseHelpOfUnknown(group: Command): void {
  if (group.commands.length === 0) return;
  group.on('beforeHelp', () => {
    const [asked] = group.args;
    if (asked === undefined || asked.startsWith('-') || asked === 'help') return;
    group.error(`error: unknown command '${asked}'`, { code: 'commander.unknownCommand' });
  });
  for (const command of group.commands) refuseHelpOfUnknown(command);
}

/** Adds examples to a command's help: pairs of what follows `perdure` and what it does, for a pipeline that is there. */
export function withExamples(
  command: Command,
  pipelines: string[],
  examples: (pipeline: string) => [string, string][],
): Command {
  const shown = examples(pipelines[0] ?? 'my-pipeline');
  const width = Math.max(...shown.map(([line]) => line.length));
  const lines = shown.map(([line, meaning]) => `  $ ${line.padEnd(width)}   ${meaning}`.trimEnd());
  return command.addHelpText('after', ['', 'Examples:', ...lines].join('\n'));
}
