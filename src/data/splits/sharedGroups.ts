import { z } from 'zod';
import { EVALUATION_SPLITS } from '../../config/splitSettings.js';
import { literal } from '../duckdb.js';

/** How much of a split belongs to groups (patients, households) that train has too. */
export const sharedGroups = z.strictObject({
  split: z.string(),
  rows: z.number(),
  /** Rows whose group has rows in train. */
  sharedRows: z.number(),
  groups: z.number(),
  /** Groups that have rows in train. */
  sharedGroups: z.number(),
});
export type SharedGroups = z.infer<typeof sharedGroups>;

/**
 * A query that gives {@link SharedGroups} for each evaluating split that has rows, in their order. Rows without a group
 * are counted as rows, and share nothing.
 *
 * @param relation a relation with a row per gold row
 * @param split SQL of a row's split, as `Split.sql` gives it
 * @param group SQL of a row's group
 */
export function sharedGroupsSql(relation: string, split: string, group: string): string {
  return `
    WITH __perdure_sides AS (SELECT ${split} AS side, ${group} AS member FROM ${relation}),
      __perdure_trained AS (SELECT DISTINCT member FROM __perdure_sides WHERE side = 'train' AND member IS NOT NULL)
    SELECT side AS split,
      CAST(count(*) AS DOUBLE) AS "rows",
      CAST(count(t.member) AS DOUBLE) AS "sharedRows",
      CAST(count(DISTINCT s.member) AS DOUBLE) AS "groups",
      CAST(count(DISTINCT t.member) AS DOUBLE) AS "sharedGroups"
    FROM __perdure_sides AS s LEFT JOIN __perdure_trained AS t ON s.member = t.member
    WHERE side <> 'train'
    GROUP BY side
    ORDER BY list_position([${EVALUATION_SPLITS.map(literal).join(', ')}], side)`;
}
