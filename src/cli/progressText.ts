import type { Progress, RunProgress } from '../contracts/index.js';
import { shareOf } from '../contracts/counts.js';
import type { ActivityView, RunView } from './runView.js';

/** One thing that goes forward on its own: a workflow, or one of its children. */
export interface ProgressLine {
  /** Stays the same while the run lasts. */
  key: string;
  /** Without how far it is: changes when something else begins. */
  step: string;
  /** With how far it is. */
  text: string;
}

/**
 * What a workflow is at: a line for itself and one for each of its children, ended ones first. None for one that has
 * told nothing.
 */
export function progressLines({ workflowId, told, activities, children }: RunView): ProgressLine[] {
  if (!told) return [];
  const ended = Object.entries(told.ended).map(([name, outcome]) => ({
    key: `${workflowId}/${name}`,
    step: `${name}: ${outcome}`,
    text: `${name}: ${outcome}`,
  }));
  const atWork = Object.entries(children).flatMap(([name, child]) =>
    progressLines(child).map((line) => within(workflowId, name, line)),
  );
  return [ownLine(workflowId, told, activities), ...ended, ...atWork];
}

function ownLine(key: string, told: RunProgress, activities: ActivityView[]): ProgressLine {
  const troubles = activities.filter(({ lastFailure }) => lastFailure !== undefined).map(describeTrouble);
  const progress = told.progress ?? furthest(activities);
  // The search has a leader and counts its candidates; in the steps after it the leader is no news.
  const best = told.best && told.progress && `best so far ${told.best.cv_score.toFixed(4)}`;
  const details = [progress && describeProgress(progress), best].filter((detail) => detail !== undefined);
  return {
    key,
    step: [told.step, ...troubles].join('; '),
    text: [[told.step, ...details].join(', '), ...troubles].join('; '),
  };
}

function within(parent: string, name: string, { key, step, text }: ProgressLine): ProgressLine {
  return { key: `${parent}/${name}/${key}`, step: `${name}: ${step}`, text: `${name}: ${text}` };
}

/** `5 of 20 candidates`, `1 of 1 candidate` */
export function describeProgress({ what, done, total }: Progress): string {
  return shareOf(done, total, what);
}

function describeTrouble({ type, attempt, lastFailure }: ActivityView): string {
  return `${type} is tried again (attempt ${attempt}) after: ${lastFailure}`;
}

function furthest(activities: ActivityView[]): Progress | undefined {
  return activities.flatMap(({ progress }) => progress ?? []).sort((a, b) => b.done / b.total - a.done / a.total)[0];
}
