import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import { clipped, SEARCH_ATTRIBUTES } from '../../src/contracts/index.js';

/** Some servers keep no longer Keyword. */
const LONGEST = 255;

/** Sets what the run can be found by. */
export function setSearchAttributes(values: { [Name in keyof typeof SEARCH_ATTRIBUTES]?: string }): void {
  const names = Object.keys(values) as (keyof typeof SEARCH_ATTRIBUTES)[];
  upsertSearchAttributes(
    names.flatMap((name) => {
      const value = clipped(values[name] ?? '', LONGEST);
      return value ? [{ key: defineSearchAttributeKey(SEARCH_ATTRIBUTES[name], 'KEYWORD'), value }] : [];
    }),
  );
}
