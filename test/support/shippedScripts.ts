import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { estimatorOf, listPipelines, loadPipeline } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';

/** Paths in the package of the files of each script that a pipeline of it has, by the script's folder. */
export async function scriptsOfPipelines(): Promise<Record<string, string[]>> {
  const conf = join(packageFolder(), 'conf');
  const found: Record<string, string[]> = {};
  for (const name of await listPipelines(conf)) {
    const pipeline = await loadPipeline(name, { PERDURE_CONF: conf });
    for (const algorithm of Object.keys(pipeline.config.algorithms)) {
      const { script } = estimatorOf(pipeline, algorithm);
      if (!script) continue;
      const files = await readdir(script.folder, { recursive: true, withFileTypes: true });
      found[relative(packageFolder(), script.folder)] = files
        .filter((file) => file.isFile())
        .map((file) => relative(packageFolder(), join(file.parentPath, file.name)));
    }
  }
  return found;
}
