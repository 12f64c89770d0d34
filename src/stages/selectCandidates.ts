import type { SelectCandidatesInput, Selection } from '../contracts/index.js';
import { selectCandidates as select } from '../learning/racing.js';
import type { Stage } from './context.js';

/** Who stays in the search after a rung, and who leads it. */
export const selectCandidates: Stage<SelectCandidatesInput, Selection> = async (context, input) => {
  const { config } = await context.pipeline(input.pipeline);
  return select(input.results, config.model_config.cv_folds, input.dataset.rows.train);
};
