import { debianTool } from './debianTool.js';

/** A Redis server, for the tests of features that are looked up there. */
export const redisServer = debianTool({
  name: 'redis-server',
  purpose: 'the tests of the online store',
  packages: ['redis-server'],
  variable: 'PERDURE_REDIS_SERVER_PATH',
});
