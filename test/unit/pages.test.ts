import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

/** Names and values that would be markup where they aren't escaped. */
const COLUMN = '<script>alert(1)</script>';
const CATEGORY = '"><img src=x onerror=alert(2)>';
const CLASSES = ['</table><script>alert(3)</script>', "plain & 'quoted'", '<b>third</b>'];

/** 300 rows whose class, and value, follow a number and a category. */
function csv(classes: number): string {
  const random = new Mt19937(3);
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
  const rows = Array.from({ length: 300 }, (_, i) => {
    const of = i % classes;
    const number = of + 2 * uniform();
    return [
      `r${i}`,
      number.toFixed(3),
      quoted(uniform() < 0.6 ? CATEGORY : 'other'),
      quoted(CLASSES[of]!),
      (3 * number + uniform()).toFixed(3),
    ];
  });
  return (
    ['id', quoted(COLUMN), 'category', 'kind', 'amount'].join(',') + '\n' + rows.map((row) => row.join(',')).join('\n')
  );
}

const SPLIT = { by: 'random', validation: 0.2, test: 0.2, seed: 1 };
const SEARCHED = { param_distributions: { max_depth: [2, 3], n_estimators: [20, 40] } };
const ALGORITHMS = {
  algorithms: { xgboost: SEARCHED, lightgbm: SEARCHED },
  training_config: { algorithms: ['xgboost', 'lightgbm'], hyperparameter_tuning: true },
  model_config: { n_iter_search: 3, cv_folds: 3 },
};

/** Figures of each task's page, by the beginning of their titles. */
const TASKS = {
  binary: {
    definition: { label: { column: 'kind', positive: CLASSES[0] }, drop: ['amount'] },
    classes: 2,
    figures: [
      'ROC curve',
      'Precision and recall',
      'Calibration',
      'Confusion matrix',
      'What each threshold decides',
      'Scores of each class',
      'Importance of the features',
      'What moves the score of each row',
      'Search of',
    ],
  },
  multiclass: {
    definition: { label: 'kind', drop: ['amount'] },
    classes: 3,
    figures: [
      'ROC curve',
      'Precision and recall',
      'Calibration',
      'Confusion matrix',
      'Importance of the features',
      'Search of',
    ],
  },
  regression: {
    definition: { label: 'amount', drop: ['kind'] },
    classes: 3,
    figures: [
      'Predicted against actual',
      'Calibration',
      'Residuals',
      'Importance of the features',
      'What moves the score of each row',
      'Search of',
    ],
  },
};

function pageOf(page: ModelTrainingCompleted['page']): { path: string; html: string; document: Document } {
  if (!page || !('uri' in page)) throw new Error(page?.not_written ?? 'there is no page');
  const path = fileURLToPath(page.uri);
  const html = readFileSync(path, 'utf8');
  return { path, html, document: parseHTML(html).document };
}

describe.each(Object.entries(TASKS))('the page of a training: %s', (_, { definition, classes, figures }) => {
  let pipeline: ShortPipeline;
  let page: ReturnType<typeof pageOf>;
  beforeAll(async () => {
    pipeline = await createShortPipeline(
      engines,
      folder,
      { source: { file: 'table.csv' }, key: 'id', split: SPLIT, ...definition },
      ALGORITHMS,
    );
    await pipeline.process(csv(classes));
    page = pageOf((await pipeline.train(['xgboost', 'lightgbm'])).page);
    // To be looked at, where somebody wants to.
    if (process.env.PAGES) writeFileSync(`${process.env.PAGES}/${figures.length}.html`, page.html);
  }, 60_000);

  test('has every figure that fits, each with a text alternative, a caption and its numbers', () => {
    const found = [...page.document.querySelectorAll('figure')];
    const titles = found.map((figure) => figure.querySelector('h3')?.textContent ?? '');
    for (const wanted of figures)
      expect(
        titles.some((title) => title.startsWith(wanted)),
        wanted,
      ).toBe(true);
    for (const title of titles)
      expect(
        figures.some((wanted) => title.startsWith(wanted)),
        title,
      ).toBe(true);
    for (const figure of found) {
      const picture = figure.querySelector('[role=img]');
      expect(picture?.getAttribute('aria-label')?.length).toBeGreaterThan(40);
      expect(picture?.querySelector('svg [d], svg circle, svg rect')).toBeTruthy();
      expect(figure.querySelector('figcaption')?.textContent).toBeTruthy();
      expect(figure.querySelectorAll('details tbody tr').length).toBeGreaterThan(0);
      // A number that was never computed.
      expect(figure.innerHTML).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test('runs nothing and loads nothing, whatever columns and classes are called, and shows their names', () => {
    const { document, html } = page;
    expect(document.querySelectorAll('script, img, iframe, object, b > b')).toHaveLength(0);
    expect(html).not.toMatch(/<script|<img/i);
    const attributes = [...document.querySelectorAll('*')].flatMap((element) => [...element.attributes]);
    expect(attributes.filter(({ name }) => name.startsWith('on') || name === 'src')).toEqual([]);
    for (const { name, value } of attributes)
      if (name === 'href' || name === 'xlink:href') expect(value).toMatch(/^#|^data:,$/);
    expect(html).not.toMatch(/url\(|@import|https?:(?!\/\/www[.]w3[.]org)/);
    expect(document.body.textContent).toContain(COLUMN);
    if ('label' in definition && definition.label !== 'amount') expect(document.body.textContent).toContain(CLASSES[0]);
  });

  test('is smaller than a megabyte', () => {
    expect(statSync(page.path).size).toBeLessThan(1_000_000);
  });
});

test('a page that cannot be stored is told, and costs the training nothing', async () => {
  const pipeline = await createShortPipeline(engines, folder, {
    source: { file: 'table.csv' },
    key: 'id',
    split: SPLIT,
    ...TASKS.binary.definition,
  });
  await pipeline.process(csv(2));
  // A file stands where the folder of the pages would be.
  const pages = fileURLToPath(pipeline.stores.monitoring.uri('reports'));
  mkdirSync(dirname(pages), { recursive: true });
  rmSync(pages, { recursive: true, force: true });
  writeFileSync(pages, '');
  const { status, champion, page } = await pipeline.train(['logistic_regression']);
  expect({ status, champion: champion?.algorithm }).toEqual({ status: 'completed', champion: 'logistic_regression' });
  expect(page).toEqual({ not_written: expect.stringContaining('reports') });
});
