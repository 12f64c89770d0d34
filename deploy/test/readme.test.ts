import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { packageFolder } from '../../src/package.js';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/index.js';
import { SETTING_NAMES } from '../settings.js';

const README = readFileSync(join(packageFolder(), 'deploy', 'README.md'), 'utf8');

/** Every `perdure ...` of the text, as words. */
const commands = [...README.matchAll(/(?:npx )?perdure ((?:[a-z-]+|"[^"]*"| )+)/g)]
  .map(([line]) => line)
  .filter((line) => line.startsWith('npx '));

test('has a first and a second day with commands', () => {
  expect(README).toMatch(/### The first day[\s\S]*### The second day/);
  expect(commands.length).toBeGreaterThan(8);
});

test.each(commands)('%s is a command with these options', (line) => {
  const words = line.replace(/^npx perdure /, '').match(/"[^"]*"|\S+/g)!;
  let command: CommandUnknownOpts = createProgram(['readmission']);
  for (
    let next: CommandUnknownOpts | undefined = command;
    next;
    next = command.commands.find((known) => known.name() === words[0])
  ) {
    if (next !== command) words.shift();
    command = next;
  }
  expect(command.name()).not.toBe('perdure');
  expect(command.commands).toEqual([]);
  for (const flag of words.filter((word) => word.startsWith('--')))
    expect(command.options.map(({ long }) => long)).toContain(flag);
});

test('names every search attribute, and every setting', () => {
  for (const name of Object.values(SEARCH_ATTRIBUTES)) expect(README).toContain(name);
  for (const name of SETTING_NAMES) expect(README).toMatch(new RegExp(`^\\|[^|]*\`${name}\``, 'm'));
});
