import { runWorkerProcess } from '../src/temporal/workerProcess.js';
import { WORKERS } from '../src/temporal/workers.js';
import { stageWorker } from './stageWorker.js';

/** The medallion's layers, inference, monitoring and quick checks, one at a time: each may use all of the memory. */
await runWorkerProcess(WORKERS.dataProcessing, () => stageWorker(WORKERS.dataProcessing));
