import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import {
  PROGRESS_QUERY,
  RETRAIN_CAUSES,
  SEARCH_ATTRIBUTES,
  STEWARD,
  TASK_QUEUES,
  WORKFLOW_OF_PHASE,
} from '../../src/contracts/index.js';
import { MESSAGES, STEWARD_INPUT } from '../../workflows/support/messages.js';

const page = await readFile(join(packageFolder(), 'docs', 'temporal.md'), 'utf8');

/** First columns of the table under a heading cell, without their quotes. */
function named(heading: string): string[] {
  const rows = page.split(`\n| ${heading} |`)[1]!.split('\n\n')[0]!.split('\n').slice(2);
  return rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
}

/** The payload's fields in the row of a message: those of the second column that are not in brackets. */
function fieldsOf(message: string): string[] {
  const row = page.split('\n').find((line) => line.startsWith(`| \`${message}\` |`))!;
  return [
    ...row
      .split('|')[2]!
      .replace(/\([^)]*\)/g, '')
      .matchAll(/`([^`]+)`/g),
  ].map(([, name]) => name!);
}

test('the reference page of temporal names what the code names', () => {
  expect(named('queue').sort()).toEqual(Object.values(TASK_QUEUES).sort());
  expect(named('attribute')).toEqual(Object.values(SEARCH_ATTRIBUTES));
  expect(named('signal')).toEqual(Object.values(STEWARD.signals));
  expect(named('update')).toEqual(Object.values(STEWARD.updates));
  expect(named('query')).toEqual(Object.values(STEWARD.queries));
  // What an earlier run carries along is not for people.
  expect([...named('input'), 'carried'].sort()).toEqual(Object.keys(STEWARD_INPUT).sort());
  expect(named('type')).toEqual(['lifecycle', ...Object.values(WORKFLOW_OF_PHASE), 'steward']);
  for (const [message, { fields }] of Object.entries(MESSAGES))
    expect([message, ...fieldsOf(message).sort()]).toEqual([message, ...Object.keys(fields).sort()]);
  for (const word of [PROGRESS_QUERY, ...RETRAIN_CAUSES]) expect(page).toContain(`\`${word}\``);
});
