import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openReport } from '../../src/cli/openReport.js';
import {
  CATEGORY,
  CLASSES,
  COLUMN,
  createPagePipeline,
  csv,
  monitoredPage,
  openPage,
  trainedPage,
  type TASKS,
} from '../support/pages.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const training = (task: keyof typeof TASKS) => async () => (await trainedPage(engines, folder, task)).page;

/** Figures of each page, by the beginning of their titles; and a text of a user's that it must show. */
const PAGES = {
  'a training: binary': {
    make: training('binary'),
    names: [COLUMN, CLASSES[0]!],
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
  'a training: multiclass': {
    make: training('multiclass'),
    names: [COLUMN, CLASSES[2]!],
    figures: [
      'ROC curve',
      'Precision and recall',
      'Calibration',
      'Confusion matrix',
      'Importance of the features',
      'Search of',
    ],
  },
  'a training: regression': {
    make: training('regression'),
    names: [COLUMN],
    figures: [
      'Predicted against actual',
      'Calibration',
      'Residuals',
      'Importance of the features',
      'What moves the score of each row',
      'Search of',
    ],
  },
  'a monitoring run': {
    make: () => monitoredPage(engines, folder),
    names: [COLUMN, '"><img src=x onerror=alert(2)>'],
    figures: ['ROC AUC over time', 'accuracy over time', 'What the model says', COLUMN, 'category'],
  },
};

describe.each(Object.entries(PAGES))('the page of %s', (_, { make, names, figures }) => {
  let page: ReturnType<typeof openPage>;
  beforeAll(async () => {
    page = openPage(await make());
  }, 60_000);

  test('has every figure that fits, each with a text alternative, a caption and its numbers', () => {
    const found = [...page.document.querySelectorAll('figure')];
    const titles = found.map((figure) => figure.querySelector('h3')?.textContent ?? '');
    const isOf = (title: string) => figures.find((wanted) => title.startsWith(wanted));
    expect([...new Set(titles.map(isOf))].toSorted()).toEqual(figures.toSorted());
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
    expect(document.querySelectorAll('script, img, iframe, object, embed, link[rel=stylesheet]')).toHaveLength(0);
    expect(html).not.toMatch(/<script|<img/i);
    const attributes = [...document.querySelectorAll('*')].flatMap((element) => [...element.attributes]);
    expect(attributes.filter(({ name }) => name.startsWith('on') || name === 'src')).toEqual([]);
    for (const { name, value } of attributes)
      if (name === 'href' || name === 'xlink:href') expect(value).toMatch(/^#|^data:,$/);
    expect(html).not.toMatch(/url\(|@import|https?:(?!\/\/www[.]w3[.]org)/);
    for (const name of names) expect(document.body.textContent).toContain(name);
  });

  test('is smaller than a megabyte', () => {
    expect(statSync(page.path).size).toBeLessThan(1_000_000);
  });
});

describe('of one training', () => {
  test('the page is found by its kind, its version and its run, and copied', async () => {
    const pipeline = await createPagePipeline(engines, folder, 'binary', {});
    const { page, challenger } = await pipeline.train(['logistic_regression']);
    const { path, html } = openPage(page);
    const store = join(dirname(path), '..', '..');
    const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const copy = join(folder, 'copies', 'page.html');
      for (const asked of ['newest', 'training', challenger.version, `logistic_regression/${challenger.version}`]) {
        rmSync(copy, { force: true });
        await openReport('table', asked, { store, output: copy });
        expect(readFileSync(copy, 'utf8')).toBe(html);
      }
      expect(printed.mock.lastCall![0]).toBe(`${copy}\n`);
      await openReport('table', 'newest', { store });
      expect(printed.mock.lastCall![0]).toBe(`${path}\n`);
      await openReport('table', 'newest', { store, json: true });
      expect(JSON.parse(printed.mock.lastCall![0] as string)).toMatchObject({
        path,
        uri: (page as { uri: string }).uri,
        kind: 'training',
      });
      await expect(openReport('table', 'monitoring', { store })).rejects.toThrow(
        /^table has no page of monitoring; name "training", "monitoring", "timeline" or a run, of which the newest are \d{8}_/,
      );
    } finally {
      printed.mockRestore();
    }
  });

  test('the page has the metrics of each slice, how old the data are, and why the search ended early', async () => {
    const config = {
      algorithms: { logistic_regression: { param_distributions: { C: { low: 0.01, high: 10, log: true } } } },
      training_config: { algorithms: ['logistic_regression'], hyperparameter_tuning: true },
      model_config: { n_iter_search: 12, cv_folds: 2 },
      search: { sampler: 'tpe', n_startup_trials: 2, early_stopping: { patience: 2, min_delta: 0.5 } },
      evaluation: { slices: ['category'], min_slice_rows: 10 },
    };
    const pipeline = await createPagePipeline(engines, folder, 'binary', config, { partition: 'arrival' });
    const fresh = {
      type: 'expect_column_newest_value_age_to_be_between',
      kwargs: { column: 'arrival_date', max_value: 3 },
    };
    writeFileSync(
      join(process.env.PERDURE_CONF!, 'pipelines', 'table', 'expectations.json'),
      JSON.stringify({ name: 'table', expectations: [{ ...fresh, meta: { name: 'newest_rows' }, severity: 'warn' }] }),
    );
    await pipeline.process(csv(2));
    const { page } = await pipeline.train(['logistic_regression']);
    const { document } = openPage(page);

    const [, ...rows] = [...document.querySelectorAll('#slices tr')].map((row) =>
      [...row.children].map((cell) => cell.textContent ?? ''),
    );
    expect(rows.map(([slice]) => slice)).toEqual(['all rows', `category = ${CATEGORY}`, 'category = other']);
    const [all, ...slices] = rows.map(([, count]) => Number(count));
    expect(slices[0]! + slices[1]!).toBe(all);
    for (const [, , value] of rows) expect(Number.parseFloat(value!)).toBeGreaterThan(0.5);
    expect(document.querySelector('#search')!.textContent).toMatch(
      /It stopped after \d candidates, as the last \d brought nothing better[.]/,
    );
    expect(document.querySelector('#data')!.textContent).toMatch(/Freshness.*newest_rows.*0 days.*✓/);
  });

  test('a page that cannot be stored is told, and costs the training nothing', async () => {
    const pipeline = await createPagePipeline(engines, folder, 'binary', {});
    // A file stands where the folder of the pages would be.
    const pages = fileURLToPath(pipeline.stores.monitoring.uri('reports'));
    mkdirSync(dirname(pages), { recursive: true });
    rmSync(pages, { recursive: true, force: true });
    writeFileSync(pages, '');
    const { status, champion, page } = await pipeline.train(['logistic_regression']);
    expect({ status, champion: champion?.algorithm }).toEqual({
      status: 'completed',
      champion: 'logistic_regression',
    });
    expect(page).toEqual({ not_written: expect.stringContaining('reports') });
  });
});
