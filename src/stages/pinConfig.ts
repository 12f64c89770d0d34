import { join } from 'node:path';
import { confFolder, loadFrom } from '../config/load.js';
import { keepVersion } from '../config/pinned.js';
import { takeSnapshot } from '../config/snapshot.js';
import type { ConfigRef, StageInput } from '../contracts/index.js';
import { checkName } from '../names.js';
import type { Stage } from './context.js';

/**
 * Takes the configuration as it stands at a run's start: what is changed later counts from the next run on. All of its
 * files are kept in the store, where every stage of the run finds them.
 */
export const pinConfig: Stage<StageInput, ConfigRef> = async (context, { pipeline: name, run }) => {
  checkName('a pipeline', name);
  const address = confFolder();
  const snapshot = await takeSnapshot(address, name, join(context.scratch, 'config'));
  const pipeline = await loadFrom(snapshot.conf, name, address);
  return keepVersion(context.stores(pipeline).datamart, pipeline, snapshot, run);
};
