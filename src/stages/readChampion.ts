import type { ReadChampion, StageInput } from '../contracts/index.js';
import { aliasKey, readPointer } from '../registry/pointers.js';
import { CHAMPION } from '../registry/aliases.js';
import type { Stage } from './context.js';

/** The champion as the registry has it now; `null` where there is none yet. */
export const readChampion: Stage<StageInput, ReadChampion | null> = async (context, input) => {
  const { modelRegistry } = context.stores(await context.pipeline(input.pipeline));
  const champion = await readPointer(modelRegistry, aliasKey(CHAMPION));
  return champion
    ? { algorithm: champion.algorithm, version: champion.version, person: champion.by.person ?? null }
    : null;
};
