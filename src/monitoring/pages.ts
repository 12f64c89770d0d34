/** Where pages lie in the bucket of monitoring, beside the reports. */
export const PAGES_FOLDER = 'reports/';

/** What pages are of. */
export const PAGE_KINDS = ['training', 'monitoring', 'timeline'] as const;

/** A run's page: what it is of, and when its run started. */
export interface PageKey {
  key: string;
  kind: (typeof PAGE_KINDS)[number];
  /** As in the names of versions: `<YYYYMMDD>_<HHMMSS>_<run>`. */
  run: string;
  /** ISO 8601, to the second. */
  startedAt: string;
}

/** Reads the key of a page; `undefined` of anything else. */
export function pageOfKey(key: string): PageKey | undefined {
  const found = /^reports\/(training|timeline|report_[^_]+)_(\d{8})_(\d{6})_([A-Za-z0-9]+)[.]html$/.exec(key);
  if (!found) return undefined;
  const [, kind, day, time, run] = found;
  const at = `${day!.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time!.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
  return {
    key,
    kind: kind === 'training' || kind === 'timeline' ? kind : 'monitoring',
    run: `${day}_${time}_${run}`,
    startedAt: at,
  };
}

/** The key of a timeline's page. @param run as in {@link PageKey} */
export function timelinePageKey(run: string): string {
  return `${PAGES_FOLDER}timeline_${run}.html`;
}
