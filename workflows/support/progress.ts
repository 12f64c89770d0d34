import { defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { PROGRESS_QUERY, type Outcome, type Params, type RunProgress } from '../../src/contracts/index.js';

const progressQuery = defineQuery<RunProgress>(PROGRESS_QUERY);

/** Keeps a workflow's {@link RunProgress} and answers the query for it. */
export class ProgressTracker {
  readonly now: RunProgress = { step: 'starting', children: {}, ended: {} };

  constructor() {
    setHandler(progressQuery, () => this.now, {
      description: 'The present step, how far it is, the children at work and how the others ended',
    });
    setCurrentDetails(this.now.step);
  }

  /** A new step begins; told in words that follow "now". */
  step(step: string): void {
    this.now.step = step;
    delete this.now.progress;
    setCurrentDetails(step);
  }

  /** The present step has `total` units of `what`, none of them done. */
  count(what: string, total: number): void {
    this.now.progress = { what, done: 0, total };
  }

  advance(units = 1): void {
    if (this.now.progress) this.now.progress.done += units;
  }

  /** A candidate has scored: it leads where nobody was better. */
  contend(params: Params, score: number): void {
    if (!this.now.best || score > this.now.best.cv_score) this.now.best = { params, cv_score: score };
  }

  childStarted(name: string, workflowId: string): void {
    this.now.children[name] = workflowId;
  }

  childEnded(name: string, outcome: Outcome): void {
    delete this.now.children[name];
    this.now.ended[name] = outcome;
  }
}
