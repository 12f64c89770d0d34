import { goldPartitions } from '../../data/layers.js';
import type { Stores } from '../storage/objectStore.js';

/** A year of months. */
const PARTITIONS_BEFORE = 12;

/** Rows of one partition beside those of the partitions before it, oldest first. */
export interface Volume {
  what: string;
  rows: number;
  usual: number[];
}

/**
 * The newest partition that is over at `asOf`, as one that still fills up is always small.
 * `null` where there is none.
 */
export async function newestVolume(stores: Pick<Stores, 'datamart'>, asOf: string): Promise<Volume | null> {
  const whole = (await goldPartitions(stores)).filter(({ end }) => end < asOf.slice(0, 10));
  const newest = whole.at(-1);
  return newest
    ? {
        what: `partition ${newest.name}`,
        rows: newest.rows,
        usual: whole.slice(-1 - PARTITIONS_BEFORE, -1).map(({ rows }) => rows),
      }
    : null;
}
