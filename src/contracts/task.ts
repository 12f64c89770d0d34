/** What a pipeline predicts, as it crosses process boundaries. */
export const TASKS = ['binary', 'multiclass', 'regression'] as const;
export type TaskName = (typeof TASKS)[number];

/** What a regression minimises: the squared error, the absolute error, or the Poisson deviance of a count. */
export const OBJECTIVES = ['squared_error', 'absolute_error', 'poisson'] as const;
export type Objective = (typeof OBJECTIVES)[number];

/**
 * A task with all that training and scoring need of it. A label of a classification is a position in `classes`; that of
 * a regression is the value itself.
 */
export type TaskSpec =
  | { task: 'binary'; /** The negative class, then the positive one. */ classes: [string, string] }
  | { task: 'multiclass'; /** Sorted; a model's output has a probability for each, in this order. */ classes: string[] }
  | { task: 'regression'; objective: Objective };

/** The task of a label that is 0 or 1. */
export const ZERO_OR_ONE: TaskSpec = { task: 'binary', classes: ['0', '1'] };
