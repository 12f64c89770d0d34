import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { named, type Pipeline } from '../config/load.js';
import { pipelineOf, runOf } from '../config/pinned.js';
import type { EnginePool } from '../ml/engines/pool.js';
import type { Resources } from '../platform/resources/resources.js';
import { completed } from '../data/sourceReading.js';
import { diskError, isDiskFull } from '../platform/files/diskError.js';
import { makeFolder } from '../platform/storage/folder.js';
import { openStores, scratchRoot, type OpenStores } from '../platform/storage/stores.js';
import type { Stage, StageContext } from './context.js';

/** What a process that runs stages has once, for all of them. */
export interface StageHost {
  /** Where the buckets lie, as `storeRoot` of `src/platform/storage/stores.ts` returns it. */
  storeRoot: string;
  engines: EnginePool;
  resources: Resources;
  /**
   * Where stages put files on their way; each call gets a folder of its own below it.
   * @default what `scratchRoot` of `src/platform/storage/stores.ts` returns
   */
  scratchRoot?: string;
}

/** What differs from call to call; without `saveCheckpoint` no checkpoint is kept. */
export type StageCall = Pick<StageContext, 'signal' | 'report'> &
  Partial<Pick<StageContext, 'checkpoint' | 'saveCheckpoint'>>;

/** Runs a stage with a context of its own. Activities, one-shot tasks and the command line all come through here. */
export type RunStage = <Input, Output>(stage: Stage<Input, Output>, input: Input, call: StageCall) => Promise<Output>;

/** No stage takes this long, so scratch folders of this age are of processes that were killed. */
const LEFTOVER_AGE_MS = 24 * 3_600_000;

export function createRunStage(host: StageHost): RunStage {
  const root = host.scratchRoot ?? scratchRoot(host.storeRoot);
  let ready: Promise<OpenStores> | undefined;
  return async (stage, input, call) => {
    ready ??= removeLeftovers(root).then(() => openStores(host.storeRoot, root));
    const open = await ready;
    const scratch = await makeScratch(root);
    const read: Pipeline[] = [];
    const pipeline = async (name: string) => {
      const found = await pipelineOf(name, runOf(input), host.storeRoot, root);
      read.push(found);
      return completed(found, open(found, { scratch, signal: call.signal }).datamart);
    };
    try {
      return await stage({ ...createStageContext(host, open, scratch, call), pipeline }, input);
    } catch (error) {
      // A disk may fill up at any call, those that make a link or a folder included.
      if (isDiskFull(error)) throw diskError(error, scratch);
      throw read.reduce((told: unknown, { folder, address }) => named(told, folder, address), error);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  };
}

/** Beginning of the names of stages' folders. */
const STAGE = 'stage-';

async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    if (!name.startsWith(STAGE)) continue;
    const path = join(root, name);
    const found = await stat(path).catch(() => undefined);
    if (found && found.mtimeMs < Date.now() - LEFTOVER_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}

async function makeScratch(root: string): Promise<string> {
  try {
    await makeFolder(root);
    return await mkdtemp(join(root, STAGE));
  } catch (error) {
    throw diskError(error, root);
  }
}

function createStageContext(
  host: StageHost,
  open: OpenStores,
  scratch: string,
  call: StageCall,
): Omit<StageContext, 'pipeline'> {
  return {
    stores: (pipeline) => open(pipeline, { scratch, signal: call.signal }),
    engines: host.engines,
    resources: host.resources,
    scratch,
    signal: call.signal,
    report: call.report,
    checkpoint: call.checkpoint,
    saveCheckpoint: call.saveCheckpoint ?? (() => {}),
  };
}
