import { afterAll, describe, expect, test } from 'vitest';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const ALGORITHM = 'logistic_regression';
const CONFIG = { training_config: { algorithms: [ALGORITHM], hyperparameter_tuning: false } };
const SHORT = { source: 'table.csv', key: 'id', label: { column: 'bought', positive: 'yes' } };
const random = new Mt19937(3);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;

interface Row {
  id: string;
  day: string;
  x: number;
}
/** Rows of one feature; what is shifted is unlike the others. */
const rowsOf = (name: string, count: number, { shift = 0, day = '2029-06-01' } = {}): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${name}-${i}`, day, x: uniform() + shift }));
const labelled = (rows: Row[]) => rows.map(({ id, day, x }) => `${id},${day},${x},${x + uniform() > 1 ? 'yes' : 'no'}`);
const unlabelled = (rows: Row[]) => rows.map(({ id, day, x }) => `${id},${day},${x},`);
const csv = (...lines: string[][]) => ['id,day,x,bought', ...lines.flat()].join('\n');

/** Whether a training finds something new, and whether the steward does. */
async function isNew(pipeline: ShortPipeline, asOf: string): Promise<{ trains: boolean; partitions: string[] }> {
  const partitions = await pipeline.newData(asOf);
  const trains = await pipeline.train([ALGORITHM], asOf).then(
    () => true,
    (error: Error) => {
      expect(error.message).toMatch(/^Nothing changed since version /);
      return false;
    },
  );
  return { trains, partitions };
}

describe('rows without a label', () => {
  test('that arrive are nothing to learn from, until their labels come', async () => {
    const definition = { ...SHORT, partition: 'arrival', drop: ['day'] };
    const pipeline = await createShortPipeline(engines, folder, definition, CONFIG);
    const told = async (asOf: string) => {
      await pipeline.predict(ALGORITHM, asOf);
      const { verdict } = await pipeline.report(model, asOf);
      return { drift: verdict.drift, retrain: verdict.retrain, why: verdict.no_retraining };
    };
    const others = rowsOf('b', 150, { shift: 2 });
    await pipeline.process(csv(labelled(rowsOf('a', 300)), unlabelled(others)), { asOf: '2029-12-01' });
    const { algorithms } = await pipeline.train([ALGORITHM], '2029-12-01');
    const trained = algorithms[ALGORITHM]!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    const model = { algorithm: ALGORITHM, version: trained.version };
    const why = `No retraining is asked for, as nothing to learn from has come since ${ALGORITHM} ${model.version} was trained.`;
    expect(await told('2029-12-01')).toEqual({ drift: true, retrain: false, why });

    const later = rowsOf('c', 150, { shift: 2 });
    await pipeline.process(csv(unlabelled(later)), { asOf: '2029-12-05' });
    expect(await told('2029-12-05')).toEqual({ drift: true, retrain: false, why });
    expect(await isNew(pipeline, '2029-12-05')).toEqual({ trains: false, partitions: [] });

    await pipeline.process(csv(labelled(later)), { asOf: '2029-12-09' });
    expect((await pipeline.report(model, '2029-12-09')).verdict).toMatchObject({ drift: true, retrain: true });
    expect(await isNew(pipeline, '2029-12-09')).toEqual({ trains: true, partitions: ['2029_12_05'] });
    expect(await isNew(pipeline, '2029-12-09')).toEqual({ trains: false, partitions: [] });
  }, 60_000);

  test('of days whose labels do not count yet are none either', async () => {
    const pipeline = await createShortPipeline(
      engines,
      folder,
      { ...SHORT, time: 'day', partition: 'month' },
      { ...CONFIG, monitoring_config: { label_maturity_days: 30 } },
    );
    const first = labelled(rowsOf('a', 300));
    await pipeline.process(csv(first), { asOf: '2029-09-01' });
    expect(await isNew(pipeline, '2029-09-01')).toEqual({ trains: true, partitions: ['2029_06'] });
    await pipeline.process(csv(first, labelled(rowsOf('b', 100, { day: '2029-09-01' }))), { asOf: '2029-09-02' });
    expect(await isNew(pipeline, '2029-09-30')).toEqual({ trains: false, partitions: [] });
    expect(await isNew(pipeline, '2029-10-01')).toEqual({ trains: true, partitions: ['2029_09'] });
  }, 60_000);
});
