import type { TaskSettings } from '../../../src/platform/ecs/taskSettings.js';
import { CLUSTER, LOG_GROUP, STREAM_PREFIX } from './ecsEndpoint.js';

export const FAMILY = 'test-model-training';

/** Tasks on the test's endpoint. */
export const SETTINGS: TaskSettings = {
  cluster: CLUSTER,
  container: 'perdure',
  subnets: ['subnet-1'],
  security_groups: [],
  assign_public_ip: false,
  capacity_providers: ['FARGATE'],
  task_definition: FAMILY,
  start_deadline_minutes: 10,
  attempts: 3,
  no_capacity: { attempts: 5, minutes: 1 },
  logs: { group: LOG_GROUP, stream_prefix: STREAM_PREFIX },
};
