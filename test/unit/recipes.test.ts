import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import { trainingSplit } from '../../src/data/trainingSplit.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const page = readFileSync(join(packageFolder(), 'docs', 'pipelines.md'), 'utf8');

/** The JSON of each recipe, under its heading. */
const recipes = page
  .slice(page.indexOf('## Recipes'))
  .split(/^### /m)
  .slice(1)
  .flatMap((recipe) => {
    const title = recipe.slice(0, recipe.indexOf('\n'));
    const blocks = [...recipe.matchAll(/```json\n([\s\S]*?)```/g)].map(
      ([, text]) => JSON.parse(text!) as Record<string, unknown>,
    );
    const config = blocks.find((block) => !('source' in block));
    return blocks
      .filter((block) => 'source' in block)
      .map((definition, i) => ({ title: `${title} ${i + 1}`, definition, config }));
  });

async function loaded(definition: object, config: object | undefined) {
  const conf = mkdtempSync(join(folder, 'recipe-'));
  const own = join(conf, 'pipelines', 'recipe');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'pipeline.json'), JSON.stringify(definition));
  if (config) writeFileSync(join(own, 'model_config.dev.json'), JSON.stringify(config));
  return loadPipeline('recipe', { PERDURE_CONF: conf, ENVIRONMENT: 'dev' });
}

describe('the recipes of docs/pipelines.md', () => {
  test('are as many as the page has', () => {
    expect([...new Set(recipes.map(({ title }) => title.replace(/ \d+$/, '')))]).toEqual([
      'Rolling windows',
      'Tables without dates',
      'Late labels',
      'Text labels',
      'Rare classes',
    ]);
  });

  test.each(recipes)('$title can be loaded, and has a split', async ({ definition, config }) => {
    const pipeline = await loaded(definition, config);
    expect(trainingSplit(pipeline).sql('2030-01-01')).toContain('train');
    for (const [part, settings] of Object.entries(config ?? {}))
      expect(pipeline.config[part as 'monitoring_config']).toMatchObject(settings as object);
  });

  test('roll: each run trains on the two years before it, less what is not known yet', async () => {
    const { definition, config } = recipes[0]!;
    const split = trainingSplit(await loaded(definition, config));
    // Counted by hand: 30 days back from asOf, 90 of test, 90 of validation, 30 again, 730 of train.
    expect(Object.fromEntries(split.days!('2030-12-31'))).toEqual({
      train: { from: '2028-05-06', to: '2030-05-05' },
      validation: { from: '2030-06-05', to: '2030-09-02' },
      test: { from: '2030-09-03', to: '2030-12-01' },
    });
  });
});
