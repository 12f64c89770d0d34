import { expect, test } from 'vitest';
import { createAlertActivities } from '../../activities/alerts.js';
import { createDispatchActivities } from '../../activities/dispatch.js';
import { createActivities } from '../../activities/index.js';
import { ACTIVITIES, TASK_STAGE_NAMES, type ActivityName } from '../../src/contracts/index.js';

const unused = () => Promise.reject(new Error('not called'));
const stages = createActivities({ runStage: unused });
const alerts = createAlertActivities({ openStores: unused as never, channels: {} });
const dispatch = createDispatchActivities({ run: unused, stop: unused });

/** What `workers/` registers on each queue. */
const REGISTERED = {
  operations: { ...stages, ...alerts },
  dataProcessing: stages,
  modelTraining: stages,
  dispatch,
};

test.each(Object.keys(ACTIVITIES) as ActivityName[])('%s is an activity of the worker that its line names', (name) => {
  expect(REGISTERED[ACTIVITIES[name].queue]).toHaveProperty(name, expect.any(Function));
});

test('what may run as a task are the stages that read or write rows, or fit', () => {
  expect(TASK_STAGE_NAMES.toSorted()).toEqual([
    'bronze',
    'detectDrift',
    'gold',
    'measurePerformance',
    'predict',
    'preprocess',
    'silver',
    'trainAlgorithm',
  ]);
  expect(Object.keys(dispatch).toSorted()).toEqual([...TASK_STAGE_NAMES, 'stopTasks'].toSorted());
});

test('the workers register no activity that the table lacks', () => {
  const registered = Object.values(REGISTERED).flatMap((activities) => Object.keys(activities));
  expect(registered.filter((name) => !(name in ACTIVITIES))).toEqual([]);
});
