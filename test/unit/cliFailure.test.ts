import { WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
} from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { describeFailure } from '../../src/cli/failure.js';
import { PerdureError } from '../../src/errors.js';

function runFailure(cause: Error): WorkflowFailedError {
  return new WorkflowFailedError('Workflow execution failed', cause, RetryState.NON_RETRYABLE_FAILURE);
}

describe('what people are told of a failure', () => {
  test('an error of Perdure keeps its type and sentence', () => {
    expect(describeFailure(new PerdureError('NotFound', 'There is no pipeline "x".'))).toEqual({
      type: 'NotFound',
      message: 'There is no pipeline "x".',
    });
  });

  test("a run that failed in a child's activity tells the innermost failure, not the wrappings", () => {
    const disk = ApplicationFailure.create({
      type: 'StoreFull',
      message: 'No space is left to write /store/a; free some and run again.',
    });
    const activity = new ActivityFailure(
      'Activity task failed',
      'silver',
      '1',
      RetryState.NON_RETRYABLE_FAILURE,
      'worker',
      disk,
    );
    const child = new ChildWorkflowFailure(
      'default',
      { workflowId: 'a' },
      'dataProcessing',
      RetryState.NON_RETRYABLE_FAILURE,
      activity,
    );
    expect(describeFailure(runFailure(child))).toEqual({
      type: 'StoreFull',
      message: 'No space is left to write /store/a; free some and run again.',
    });
  });

  test('a failure that wraps a system error tells the sentence, not the system error', () => {
    const system = ApplicationFailure.create({ type: 'Error', message: 'ENOSPC: no space left on device' });
    const disk = ApplicationFailure.create({
      type: 'StoreFull',
      message: 'No space is left to write /store/a; free some and run again.',
      cause: system,
    });
    expect(describeFailure(runFailure(disk)).message).toBe(
      'No space is left to write /store/a; free some and run again.',
    );
  });

  test('a cancelled run is told apart from a failed one', () => {
    expect(describeFailure(runFailure(new CancelledFailure('Workflow canceled')))).toEqual({
      type: 'Cancelled',
      message: 'The run was cancelled.',
    });
  });
});
