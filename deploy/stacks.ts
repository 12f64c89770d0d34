import type { App } from 'aws-cdk-lib';
import { listPipelines, loadPipeline, type Pipeline } from '../src/config/load.js';
import { variables } from '../src/environment.js';
import { PerdureError } from '../src/errors.js';
import { ImagesStack } from './imagesStack.js';
import { PerdureStack } from './perdureStack.js';
import { bucketsOf } from './buckets.js';
import type { Settings } from './settings.js';

/** The stacks of a deployment, for all the pipelines of `conf`. */
export async function makeStacks(
  app: App,
  settings: Settings,
): Promise<{ images: ImagesStack; perdure: PerdureStack }> {
  const env = { ...variables(), ENVIRONMENT: settings.environment };
  const pipelines = await Promise.all((await listPipelines()).map((name) => loadPipeline(name, env)));
  requireOwnBuckets(pipelines);
  const images = new ImagesStack(app, `${settings.name}-images`, { settings, description: 'Images of Perdure' });
  const perdure = new PerdureStack(app, settings.name, {
    settings,
    pipelines,
    description: 'Perdure: workers, tasks and buckets',
  });
  perdure.addStackDependency(images);
  return { images, perdure };
}

/** A bucket belongs to one pipeline; the store would refuse it to the second only once that runs. */
export function requireOwnBuckets(pipelines: Pipeline[]): void {
  const owners = new Map<string, string>();
  for (const pipeline of pipelines) {
    const { name } = pipeline.definition;
    for (const bucket of Object.values(bucketsOf(pipeline))) {
      const owner = owners.get(bucket) ?? name;
      if (owner !== name)
        throw new PerdureError(
          'ConfigInvalid',
          `The pipelines ${owner} and ${name} both name the bucket ${bucket}; give each buckets of its own in its model config.`,
        );
      owners.set(bucket, owner);
    }
  }
}
