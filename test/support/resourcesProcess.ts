// Prints the resources that a training worker started here would keep to, as JSON.
import { chosenResources } from '../../src/platform/resources/resources.js';
import { WORKERS } from '../../src/platform/temporal/workers.js';

process.stdout.write(JSON.stringify(chosenResources(WORKERS.modelTraining.resources, process.argv[2])));
