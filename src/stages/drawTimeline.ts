import type { StageInput, WrittenPage } from '../contracts/index.js';
import { timelinePageKey } from '../monitoring/pages.js';
import { readTimeline } from '../registry/timeline.js';
import { versionId } from '../registry/versions.js';
import type { Stage } from './context.js';
import { writePage } from './writePage.js';

/** Writes the page of a pipeline's timeline: how the champion did from period to period, and each retraining. */
export const drawTimeline: Stage<StageInput, WrittenPage> = async (context, { pipeline: name, run }) => {
  const pipeline = await context.pipeline(name);
  const stores = context.stores(pipeline);
  const { definition, config } = pipeline;
  const { minimums, maximums } = config.retraining;
  const { by, periods } = (await readTimeline(stores.modelRegistry)) ?? { by: 'week', periods: [] };
  return writePage(context, stores, timelinePageKey(versionId(run).slice(1)), async () => {
    // Rendering is loaded where a page is drawn.
    const { renderTimeline } = await import('../reports/timelineReport.js');
    const title = definition.title === name ? undefined : definition.title;
    return renderTimeline({ pipeline: name, title, by, periods, limits: { ...minimums, ...maximums } });
  });
};
