import type { DiscardVersionInput } from '../contracts/index.js';
import { indexVersion } from '../registry/versionIndex.js';
import { readVersion, versionFolder, versionId } from '../registry/versions.js';
import type { Stage } from './context.js';

/** Removes what a failed or cancelled run left of its version. A registered version stays, and is listed from then on. */
export const discardVersion: Stage<DiscardVersionInput, void> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const ref = { algorithm: input.algorithm, version: versionId(input.run) };
  const metadata = await readVersion(modelRegistry, ref);
  if (metadata) {
    await indexVersion(modelRegistry, metadata);
    return;
  }
  for await (const { key } of modelRegistry.list(versionFolder(ref))) {
    await modelRegistry.delete(key);
  }
};
