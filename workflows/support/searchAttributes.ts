import { defineSearchAttributeKey } from '@temporalio/common';
import { patched, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { clipped, LACKING_ATTRIBUTES, SEARCH_ATTRIBUTES } from '../../src/contracts/index.js';

/** Some servers keep no longer Keyword. */
const LONGEST = 255;

type AttributeName = keyof typeof SEARCH_ATTRIBUTES;

/** Sets what the run can be found by: its search attributes, or its memo for those that the namespace lacks. */
export function setSearchAttributes(values: { [Name in AttributeName]?: string }): void {
  const told = (Object.keys(values) as AttributeName[]).flatMap((name) => {
    const value = clipped(values[name] ?? '', LONGEST);
    return value ? [{ name: SEARCH_ATTRIBUTES[name], value }] : [];
  });
  const lacking = told.filter(({ name }) => isLacking(name));
  const known = told.filter((each) => !lacking.includes(each));
  if (known.length > 0)
    upsertSearchAttributes(known.map(({ name, value }) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value })));
  if (lacking.length > 0) upsertMemo(Object.fromEntries(lacking.map(({ name, value }) => [name, value])));
}

/** What this run has decided; it stays with that, whatever becomes of the namespace. */
const decided = new Map<string, boolean>();

/**
 * Whether the namespace lacked an attribute when the run first came to it. What the orchestrator found at its start may
 * differ the next time, so the history keeps that it was lacking, as the marker of a patch; where it was not, a history
 * has nothing but the attribute.
 */
function isLacking(name: string): boolean {
  const before = decided.get(name);
  if (before !== undefined) return before;
  const isMeant = workflowInfo().unsafe.isReplaying || lackingNames().includes(name);
  const lacking = isMeant && patched(`without-${name}`);
  decided.set(name, lacking);
  return lacking;
}

function lackingNames(): string[] {
  return (globalThis as { [LACKING_ATTRIBUTES]?: string[] })[LACKING_ATTRIBUTES] ?? [];
}
