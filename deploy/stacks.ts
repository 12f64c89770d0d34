import type { App } from 'aws-cdk-lib';
import { listPipelines, loadPipeline } from '../src/config/load.js';
import { variables } from '../src/environment.js';
import { ImagesStack } from './imagesStack.js';
import { PerdureStack } from './perdureStack.js';
import type { Settings } from './settings.js';

/** The stacks of a deployment, for all the pipelines of `conf`. */
export async function makeStacks(app: App, settings: Settings): Promise<{ images: ImagesStack; perdure: PerdureStack }> {
  const env = { ...variables(), ENVIRONMENT: settings.environment };
  const pipelines = await Promise.all((await listPipelines()).map((name) => loadPipeline(name, env)));
  const images = new ImagesStack(app, `${settings.name}-images`, { settings, description: 'Images of Perdure' });
  const perdure = new PerdureStack(app, settings.name, { settings, pipelines, description: 'Perdure: workers, tasks and buckets' });
  perdure.addStackDependency(images);
  return { images, perdure };
}
