import type { Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { stageActivity } from '../../activities/stageActivity.js';
import type { HeartbeatDetails } from '../../src/contracts/index.js';
import { PerdureError } from '../../src/errors.js';
import type { Stage } from '../../src/stages/context.js';
import type { RunStage, StageCall } from '../../src/stages/createContext.js';

describe('a stage as an activity', () => {
  test('gives the stage its input and returns what it returns', async () => {
    const result = await quiet().run(
      activityOf(async (_, name: string) => Promise.resolve(`hello ${name}`)),
      'world',
    );

    expect(result).toBe('hello world');
  });

  test.each([
    [
      'an error that the same call may outlive',
      new PerdureError('StoreUnavailable', 'The store is away; start it.'),
      'StoreUnavailable',
      false,
    ],
    [
      'an error that it can not',
      new PerdureError('InputInvalid', 'raw.csv is torn; fetch it again.'),
      'InputInvalid',
      true,
    ],
    ['an unknown error', new RangeError('out of range'), 'RangeError', false],
  ])('%s keeps its type and sentence', async (_, thrown, type, nonRetryable) => {
    const failure = await failureOf(quiet(), () => Promise.reject(thrown));

    expect(failure).toMatchObject({ type, message: thrown.message, nonRetryable });
  });

  test('an engine may crash once, not twice, whatever else goes wrong between', async () => {
    const crash = () => Promise.reject(new PerdureError('EngineCrashed', 'The engine crashed; lower max_depth.'));
    const heartbeats: HeartbeatDetails[] = [];

    const first = await failureOf(watched({}, heartbeats), crash);
    expect(first).toMatchObject({ type: 'EngineCrashed', nonRetryable: false });
    const second = await failureOf(watched({ attempt: 3, heartbeatDetails: heartbeats.at(-1) }, []), crash);
    expect(second).toMatchObject({ type: 'EngineCrashed', nonRetryable: true });
  });

  test('a store that is away is waited for beyond the attempts that the work has itself', async () => {
    const away = () => Promise.reject(new PerdureError('StoreUnavailable', 'The store is away; start it.'));
    const broken = () => Promise.reject(new RangeError('out of range'));
    const heartbeats: HeartbeatDetails[] = [];
    let heartbeatDetails: HeartbeatDetails | undefined;
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      const failure = await failureOf(
        watched({ attempt, heartbeatDetails, retryPolicy: { maximumAttempts: 15 } }, heartbeats),
        away,
      );
      expect(failure).toMatchObject({ type: 'StoreUnavailable', nonRetryable: false });
      heartbeatDetails = heartbeats.at(-1);
    }

    const fourth = await failureOf(
      watched({ attempt: 14, heartbeatDetails, retryPolicy: { maximumAttempts: 15 } }, []),
      broken,
    );
    expect(fourth).toMatchObject({ type: 'RangeError', nonRetryable: false });
    const fifth = await failureOf(
      watched({ attempt: 15, heartbeatDetails, retryPolicy: { maximumAttempts: 15 } }, []),
      broken,
    );
    expect(fifth).toMatchObject({ type: 'RangeError', nonRetryable: true });
  });

  test('work that takes its worker with it is not given to a sixth', async () => {
    const heartbeats: HeartbeatDetails[] = [];
    let begun = 0;
    const deadly = () => {
      begun += 1;
      return Promise.resolve();
    };
    await watched({ attempt: 5, retryPolicy: { maximumAttempts: 15 } }, heartbeats).run(activityOf(deadly), undefined);
    const failure = await failureOf(
      watched(
        { attempt: 6, heartbeatDetails: heartbeats[0], activityType: 'silver', retryPolicy: { maximumAttempts: 15 } },
        [],
      ),
      deadly,
    );

    expect(failure).toMatchObject({
      type: 'WorkerLost',
      message: 'silver lost its worker again and again; look into the log of the workers for what ends them.',
      nonRetryable: true,
    });
    expect(begun).toBe(1);
  });

  test('where attempts are not counted none is the last', async () => {
    const failure = await failureOf(watched({ attempt: 100 }, []), () =>
      Promise.reject(new RangeError('out of range')),
    );

    expect(failure).toMatchObject({ type: 'RangeError', nonRetryable: false });
  });

  test('the checkpoint that a stage saves is what the next attempt goes on with', async () => {
    const heartbeats: HeartbeatDetails[] = [];
    const seen: unknown[] = [];
    const halfway = ({ checkpoint, saveCheckpoint }: StageCall) => {
      seen.push(checkpoint);
      saveCheckpoint!({ folds: 3 });
      return Promise.reject(new PerdureError('StoreUnavailable', 'The store is away; start it.'));
    };
    await failureOf(watched({}, heartbeats), halfway);
    await failureOf(watched({ attempt: 2, heartbeatDetails: heartbeats.at(-1) }, []), halfway);

    expect(seen).toEqual([undefined, { folds: 3 }]);
  });

  test('tells how far the stage is', async () => {
    const heartbeats: HeartbeatDetails[] = [];
    const progress = { what: 'partitions', done: 3, total: 120 };
    const stage = async ({ report }: StageCall) => {
      report(progress);
      await new Promise((resolve) => setTimeout(resolve, 3_500));
    };
    await watched({}, heartbeats).run(activityOf(stage), undefined);

    expect(heartbeats.at(-1)).toEqual({ progress, engineCrashes: 0, excused: 0 });
  });

  test('a cancelled stage is told so, and ends the activity as cancelled whatever it throws', async () => {
    const environment = quiet();
    const stage = ({ signal }: StageCall) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new PerdureError('EngineCrashed', 'It was killed.'))),
      );
    const run = environment.run(activityOf(stage), undefined);
    environment.cancel();

    await expect(run).rejects.toThrow(CancelledFailure);
  });

  test('a cancelled stage that waits for what never comes gives its slot back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const environment = quiet();
    let done = false;
    const run = environment
      .run(
        activityOf(() => new Promise(() => {})),
        undefined,
      )
      .finally(() => (done = true));
    const ended = expect(run).rejects.toThrow(CancelledFailure);
    environment.cancel();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(done).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await ended;
  });
});

type SmallStage<Input, Output> = (call: StageCall, input: Input) => Promise<Output>;

/** Stages of these tests need nothing of their context but the call. */
const runStage: RunStage = (stage, input, call) => stage(call as Parameters<typeof stage>[0], input);

function activityOf<Input, Output>(stage: SmallStage<Input, Output>): (input: Input) => Promise<Output> {
  return stageActivity({ runStage }, stage satisfies Stage<Input, Output>);
}

async function failureOf(
  environment: MockActivityEnvironment,
  stage: SmallStage<undefined, unknown>,
): Promise<ApplicationFailure> {
  const error: unknown = await environment.run(activityOf(stage), undefined).catch((reason: unknown) => reason);
  if (!(error instanceof ApplicationFailure)) throw new Error('an ApplicationFailure was expected', { cause: error });
  return error;
}

function watched(info: Partial<Info>, heartbeats: HeartbeatDetails[]): MockActivityEnvironment {
  const environment = quiet(info);
  environment.on('heartbeat', (details: HeartbeatDetails) => heartbeats.push(details));
  return environment;
}

function quiet(info: Partial<Info> = {}): MockActivityEnvironment {
  return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
}
