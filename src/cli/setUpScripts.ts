import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { estimatorOf, loadPipeline } from '../config/load.js';
import { PerdureError, messageOf } from '../errors.js';
import { REQUIREMENTS } from '../ml/engines/script/scriptFiles.js';
import { pythonEnvironment } from '../platform/programs/pythonEnvironment.js';

/**
 * Has the Python packages of a pipeline's scripts in place, as a training would at first. Tells a line a script.
 * @throws PerdureError `SetupFailed` at the first whose packages can't be had
 */
export async function setUpScripts(name: string, tell: (line: string) => void): Promise<void> {
  const pipeline = await loadPipeline(name);
  for (const algorithm of Object.keys(pipeline.config.algorithms)) {
    const { script } = estimatorOf(pipeline, algorithm);
    const requirements = script && join(script.folder, REQUIREMENTS);
    if (requirements === undefined || !existsSync(requirements)) continue;
    try {
      const { root, version } = await pythonEnvironment(requirements, (line) => tell(`${algorithm}: ${line}`));
      tell(`${algorithm}: Python ${version}, ${root}`);
    } catch (error) {
      throw new PerdureError(
        'SetupFailed',
        `The packages of ${algorithm} of ${name} can't be had: ${messageOf(error)}; see that python3 has pip and reaches its package index, or correct ${requirements}.`,
        { cause: error },
      );
    }
  }
}
