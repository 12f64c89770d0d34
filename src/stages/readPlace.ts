import type { Place, ReadPlaceInput } from '../contracts/index.js';
import type { Stage } from './context.js';

/** Where the config has the heavy stages of a part run. */
export const readPlace: Stage<ReadPlaceInput, Place> = async (context, { pipeline, part }) =>
  (await context.pipeline(pipeline)).config.compute[part];
