import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { confFolder } from '../src/config/load.js';
import type { ModelConfig } from '../src/config/schema.js';

/** Copies `conf/` into a folder and changes a pipeline's dev config there. Returns the copy, for `PERDURE_CONF`. */
export async function configured(
  folder: string,
  pipeline: string,
  change: (config: ModelConfig) => void,
): Promise<string> {
  const conf = join(folder, 'conf');
  await cp(confFolder(), conf, { recursive: true });
  const path = join(conf, 'pipelines', pipeline, 'model_config.dev.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as ModelConfig;
  change(config);
  await writeFile(path, JSON.stringify(config, null, 2));
  return conf;
}
