import type { ReopenTimelineInput } from '../contracts/index.js';
import { dropFromTimeline } from '../registry/timeline.js';
import type { Stage } from './context.js';
import { trackLastRetraining } from './recordPeriod.js';

/** Takes periods out of the timeline that are run again; the last retraining is then that of the periods that stay. */
export const reopenTimeline: Stage<ReopenTimelineInput, void> = async (context, { pipeline: name, drop }) => {
  const pipeline = await context.pipeline(name);
  const { modelRegistry } = context.stores(pipeline);
  const timeline = await dropFromTimeline(modelRegistry, new Set(drop.map(({ from }) => from)));
  if (timeline) await trackLastRetraining(pipeline, modelRegistry, timeline);
};
