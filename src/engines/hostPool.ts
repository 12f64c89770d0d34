import { PerdureError } from '../errors.js';
import type { EnginePool } from './pool.js';

export interface EnginePoolOptions {
  /**
   * Bytes that each host may spend on matrices kept for later calls.
   * @default 256 MiB
   */
  cacheBytes?: number;
}

/** Makes a pool of `size` engine hosts, each started when first needed. */
export function createEnginePool(size: number, options: EnginePoolOptions = {}): EnginePool {
  throw new PerdureError('EngineFailed', `Under way: ${size} ${options.cacheBytes}.`);
}
