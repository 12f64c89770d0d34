import type { SelectCandidatesInput, Selection } from '../contracts/index.js';
import { selectCandidates as select } from '../ml/racing.js';
import type { Stage } from './context.js';
import { searchRecord } from './searchRecord.js';

/** Who stays in the search after a rung, and who leads it. */
export const selectCandidates: Stage<SelectCandidatesInput, Selection> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const record = searchRecord(context.stores(pipeline).datamart, input);
  const folds = await record.readAll(input.candidates.map((index) => ({ index, folds: input.folds })));
  return select(
    input.candidates.map((index, i) => ({ index, folds: folds[i]! })),
    input.cvFolds,
  );
};
