import { Argument, Help, type Command, type CommandUnknownOpts, type Option } from '@commander-js/extra-typings';

/**
 * The argument that names a pipeline.
 * @param without what is done where it may be left out and is, after the word "or"
 */
export function pipelineArgument<const Usage extends '<pipeline>' | '[pipeline]'>(
  usage: Usage,
  pipelines: string[],
  without = 'all',
) {
  const known = pipelines.length > 0 ? pipelines.join(', ') : 'none yet';
  return new Argument(usage, `a folder in conf/pipelines (${known})${usage === '[pipeline]' ? `, or ${without}` : ''}`);
}

/** Characters of a line below which a description no longer stands beside what it describes. */
const NARROWEST = 16;

/** How help differs from commander's own: it says which options must be given, and suits narrow terminals. Set before commands are added. */
export function improveHelp(program: Command): void {
  const plain = new Help();
  program.configureHelp({
    minWidthToWrap: NARROWEST,
    // All have options.
    subcommandTerm: (command) => plain.subcommandTerm(command).replace(' [options]', ''),
    optionDescription: (option: Option) => `${plain.optionDescription(option)}${option.mandatory ? ' (required)' : ''}`,
  });
}

/** Has groups of commands refuse a name that is none of theirs, where help is asked for it, instead of showing their own. */
export function refuseHelpOfUnknown(group: CommandUnknownOpts): void {
  if (group.commands.length === 0) return;
  group.on('beforeHelp', () => {
    const [asked] = group.args;
    if (asked === undefined || asked.startsWith('-') || asked === 'help') return;
    group.error(`error: unknown command '${asked}'`, { code: 'commander.unknownCommand' });
  });
  for (const command of group.commands) refuseHelpOfUnknown(command);
}

/** Adds paragraphs to a command's help, which fill its lines. */
export function withNotes(command: CommandUnknownOpts, ...paragraphs: string[]): void {
  addBelow(command, (help, width) => paragraphs.map((paragraph) => help.boxWrap(paragraph, width)));
}

/** Adds examples to a command's help: pairs of what a shell is given and what it does, for a pipeline that is there. */
export function withExamples(
  command: CommandUnknownOpts,
  pipelines: string[],
  examples: (pipeline: string) => [string, string][],
): void {
  const shown = examples(pipelines[0] ?? 'my-pipeline');
  const longest = Math.max(...shown.map(([line]) => line.length));
  addBelow(command, (_, width) => {
    const beside = shown.map(([line, meaning]) => `  $ ${line.padEnd(longest)}   ${meaning}`);
    const fits = beside.every((line) => line.length <= width);
    return ['Examples:', ...(fits ? beside : shown.flatMap(([line, meaning]) => [`  $ ${line}`, `      ${meaning}`]))];
  });
}

/** Adds lines to a command's help, for the width of where it is shown. */
function addBelow(command: CommandUnknownOpts, lines: (help: Help, width: number) => string[]): void {
  command.addHelpText('after', ({ command: shown, error }) => {
    const output = shown.configureOutput();
    const width = (error ? output.getErrHelpWidth?.() : output.getOutHelpWidth?.()) ?? 80;
    return ['', ...lines(shown.createHelp(), width)].join('\n');
  });
}
