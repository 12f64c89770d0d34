import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import { modelFiles } from '../../src/platform/tracking/modelFiles.js';
import { readVersionFile, requireVersion } from '../../src/registry/versions.js';
import { createShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

test('a pipeline that lists a network trains it, draws how it learned, predicts, and logs a python_function', async () => {
  const definition = { source: 'table.csv', key: 'id', label: { column: 'won', positive: 'yes' } };
  const params = { hidden_layer_sizes: '8', max_iter: 4, learning_rate_init: 0.02, batch_size: 16 };
  const pipeline = await createShortPipeline(engines, folder, definition, {
    training_config: { algorithms: ['mlp'] },
    algorithms: { mlp: { params } },
  });
  const rows = Array.from({ length: 300 }, (_, i) => {
    const size = Math.round(1000 + 500 * Math.sin(i * i));
    return [i, i % 13 === 0 ? '' : size, ['red', 'blue'][i % 2], size > 1100 ? 'yes' : 'no'].join(',');
  });
  await pipeline.process(['id,size,colour,won', ...rows].join('\n'));
  const { algorithms, page } = await pipeline.train(['mlp']);
  expect(algorithms.mlp).toMatchObject({ status: 'completed' });
  const { version } = algorithms.mlp as { version: string };
  const ref = { algorithm: 'mlp', version };

  const registry = pipeline.stores.modelRegistry;
  const metadata = await requireVersion(registry, ref);
  expect(metadata).toMatchObject({ model_file: 'model.onnx', lineage: { engine: 'tfjs 4.22.0' } });
  const { steps } = await readVersionFile(registry, ref, 'learning_curve.json');
  expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  for (const of of ['train_loss', 'validation_loss'])
    expect(steps.at(-1)!.metrics[of]).toBeLessThan(steps[0]!.metrics[of]!);
  expect(readFileSync(fileURLToPath((page as { uri: string }).uri), 'utf8')).toContain('Learning curve of mlp');
  expect((await readVersionFile(registry, ref, 'importance.json')).shap).toEqual({
    not_measured: 'A neural network says no SHAP values.',
  });

  for (const { probability } of await pipeline.predict('mlp')) {
    expect(probability).toBeGreaterThan(0);
    expect(probability).toBeLessThan(1);
  }

  const about = { modelId: 'm-1', runId: 'r-1', createdAt: '2002-03-01T12:00:00.000Z' };
  const files = await modelFiles(registry, await loadPipeline('table'), metadata, about);
  expect(files.find(({ path }) => path === 'data/model.onnx')).toBeDefined();
  expect(files.find(({ path }) => path === 'requirements.txt')!.content).toEqual({
    text: 'numpy\npandas\nonnxruntime==1.32.0\n',
  });
});

test('the pipeline of the network has the script for PyTorch as it is there to be copied', () => {
  const script = (...path: string[]) => readFileSync(join(packageFolder(), 'conf', ...path, 'network.py'), 'utf8');
  expect(script('pipelines', 'ctr', 'pytorch')).toBe(script('scripts', 'pytorch'));
});
