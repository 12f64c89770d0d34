// Runs an embedded stack on the state folder given as argument, and prints the numbers of its processes.
import { join } from 'node:path';
import { startStack } from '../../src/platform/temporal/stack.js';

const [stateFolder = ''] = process.argv.slice(2);
const { server, workers } = await startStack({ storeRoot: join(stateFolder, 'store'), stateFolder });
const pids = [server?.pid, ...Object.values(workers).map((worker) => worker.pid)];
process.stdout.write(`${JSON.stringify(pids)}\n`);
