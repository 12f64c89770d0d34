import { z } from 'zod';

/** What an online store holds: the newest features of every key, all of one version. */
export const onlineFeatures = z.strictObject({
  /** Digest of the gold files that it was made from: the same features have the same version. */
  version: z.string(),
  /** ISO 8601 instant at which it was written. */
  written_at: z.string(),
  /** ISO 8601 instant from which the features are too old to be used; `null` for never. */
  expires_at: z.string().nullable(),
  rows: z.number(),
});
export type OnlineFeatures = z.infer<typeof onlineFeatures>;

/** The features of a key, by their names. */
export type FeatureRow = Record<string, string | number | boolean | null>;

/** A key as text, and its features as JSON. */
export type OnlineRow = [key: string, features: string];

/**
 * Features by key, for whoever predicts one row at a time. A version is written whole before it becomes the one that is
 * looked up; the version before it goes afterwards.
 */
export interface OnlineStore {
  /** Where it is, for people. */
  readonly address: string;
  /** What is looked up now; `undefined` where nothing was written yet, or what was written has been given up. */
  current(): Promise<OnlineFeatures | undefined>;
  /** Writes a version and makes it the current one. @param rows in batches */
  write(features: OnlineFeatures, rows: AsyncIterable<OnlineRow[]>): Promise<void>;
  /** The features of some keys of a version, in their order; `undefined` for a key that it doesn't have. */
  lookup(version: string, keys: string[]): Promise<(string | undefined)[]>;
  close(): Promise<void>;
}
