import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';

const PIPELINE = 'churn';

/** A program that writes nowhere. */
function quiet(): CommandUnknownOpts {
  const program = createProgram([PIPELINE]);
  const mute = (command: CommandUnknownOpts) => {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
    command.commands.forEach(mute);
  };
  mute(program);
  return program;
}

function leaves(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function pathOf(command: CommandUnknownOpts): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function helpOf(command: CommandUnknownOpts, width = 200): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => (text += more), getOutHelpWidth: () => width });
  command.outputHelp();
  return text;
}

/** Words as a shell makes them of a line with double quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
}

const COMMANDS = leaves(quiet()).map(pathOf);

function find(path: string): { program: CommandUnknownOpts; command: CommandUnknownOpts } {
  const program = quiet();
  return { program, command: leaves(program).find((leaf) => pathOf(leaf) === path)! };
}

test('there are commands', () => {
  expect(COMMANDS.length).toBeGreaterThan(20);
});

describe.each(COMMANDS)('the help of "%s"', (path) => {
  test('has examples of its own, each with its meaning, that the program takes', async () => {
    const { program, command } = find(path);
    const examples = [...helpOf(command).matchAll(/^ {2}\$ (.+?)(?: {3,}(\S.*))?$/gm)].map(([, line, meaning]) => ({
      line: line!,
      meaning,
    }));
    expect(examples.length).toBeGreaterThan(0);
    for (const { line, meaning } of examples) {
      expect(line).toMatch(/^([A-Z]+=\S+ )*perdure( |$)/);
      expect(meaning).toBeTruthy();
    }
    expect(examples.some(({ line }) => line.startsWith(path))).toBe(true);

    const called: string[] = [];
    for (const leaf of leaves(program)) leaf.action(() => void called.push(pathOf(leaf)));
    for (const { line } of examples)
      await program.parseAsync(words(line.replace(/^([A-Z]+=\S+ )*perdure/, '').replace(/ >.*$/, '')), {
        from: 'user',
      });
    expect(called).toHaveLength(examples.length);
  });

  test('says which options must be given', () => {
    const { command } = find(path);
    const help = helpOf(command);
    for (const option of command.options) {
      const line = help.split('\n').find((text) => text.trimStart().startsWith(option.flags))!;
      expect(line.endsWith('(required)')).toBe(option.mandatory);
    }
  });
});

function all(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return [command, ...command.commands.flatMap(all)];
}

test.each([60, 80, 100])('every help fits a terminal of %i columns, but for command lines', (width) => {
  const wide = all(quiet()).flatMap((command) =>
    helpOf(command, width)
      .split('\n')
      .filter((line) => line.length > width && !/^(  \$|Usage:) /.test(line)),
  );
  expect(wide).toEqual([]);
});

test.each([['models', 'nope'], ['steward', 'dismiss'], ['schedules', 'nope'], ['data', 'nope'], ['nope']])(
  'help of what is no command is refused: %s %s',
  async (...path) => {
    const asked = quiet().parseAsync([...path.filter((part) => part !== undefined), '--help'], { from: 'user' });
    await expect(asked).rejects.toMatchObject({ code: 'commander.unknownCommand' });
  },
);

test.each([['models'], ['steward'], ['help', 'models'], ['models', 'help', 'list'], ['models', 'list']])(
  'help is shown: %s %s',
  async (...path) => {
    const asked = quiet().parseAsync(
      [...path.filter((part) => part !== undefined), ...(path.includes('help') ? [] : ['--help'])],
      { from: 'user' },
    );
    await expect(asked).rejects.toMatchObject({ exitCode: 0 });
  },
);
