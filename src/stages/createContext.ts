import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadPipeline, type Pipeline } from '../config/load.js';
import type { EnginePool } from '../engines/pool.js';
import { FolderStore, diskError } from '../storage/folderStore.js';
import type { Stores } from '../storage/objectStore.js';
import type { Stage, StageContext, WorkerSize } from './context.js';

/** What a process that runs stages has once, for all of them. */
export interface StageHost {
  /** Folder that holds a folder a bucket. */
  storeRoot: string;
  engines: EnginePool;
  size: WorkerSize;
  /**
   * Where stages put files on their way; each call gets a folder of its own below it.
   * @default `.scratch` below the store's root: on the store's disk, so that a finished file is stored by a rename,
   * and where room for data is
   */
  scratchRoot?: string;
}

/** What differs from call to call. */
export type StageCall = Pick<StageContext, 'signal' | 'report'>;

/** Runs a stage with a context of its own. Activities, one-shot tasks and the command line all come through here. */
export type RunStage = <Input, Output>(stage: Stage<Input, Output>, input: Input, call: StageCall) => Promise<Output>;

/** No stage takes this long, so scratch folders of this age are of processes that were killed. */
const LEFTOVER_AGE_MS = 24 * 3_600_000;

export function createRunStage(host: StageHost): RunStage {
  const scratchRoot = host.scratchRoot ?? join(host.storeRoot, '.scratch');
  let swept: Promise<void> | undefined;
  return async (stage, input, call) => {
    await (swept ??= removeLeftovers(scratchRoot));
    const scratch = await makeScratch(scratchRoot);
    try {
      return await stage(createStageContext(host, scratch, call), input);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  };
}

async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const path = join(root, name);
    const found = await stat(path).catch(() => undefined);
    if (found && found.mtimeMs < Date.now() - LEFTOVER_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}

async function makeScratch(root: string): Promise<string> {
  try {
    await mkdir(root, { recursive: true });
    return await mkdtemp(join(root, 'stage-'));
  } catch (error) {
    throw diskError(error, root);
  }
}

/** The object store's root folder: `PERDURE_STORE`, else `.perdure/store` in the current folder. */
export function storeRoot(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.PERDURE_STORE ?? join('.perdure', 'store'));
}

function createStageContext(host: StageHost, scratch: string, call: StageCall): StageContext {
  return {
    pipeline: (name) => loadPipeline(name),
    stores: (pipeline) => folderStores(host.storeRoot, pipeline),
    engines: host.engines,
    size: host.size,
    scratch,
    signal: call.signal,
    report: call.report,
  };
}

/** The buckets that a pipeline's config names, as folders below `root`. */
export function folderStores(root: string, { config }: Pipeline): Stores {
  return {
    datamart: new FolderStore(join(root, config.storage.datamart_bucket)),
    modelRegistry: new FolderStore(join(root, config.model_config.model_registry_bucket)),
    predictions: new FolderStore(join(root, config.storage.predictions_bucket)),
    monitoring: new FolderStore(join(root, config.storage.monitoring_bucket)),
  };
}
