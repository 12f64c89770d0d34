// Prints the size that a training worker started here would keep to, as JSON.
import { chosenSize } from '../../src/platform/resources/workerSize.js';
import { WORKERS } from '../../src/platform/temporal/workers.js';

process.stdout.write(JSON.stringify(chosenSize(WORKERS.modelTraining.size, process.argv[2])));
