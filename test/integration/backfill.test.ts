import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { kill, leftBehind, registryOf, startCommand, type Command } from '../../bench/killedRun.js';
import { EXIT } from '../../src/cli/exitCodes.js';
import { loadPipeline } from '../../src/config/load.js';
import { literal, withDuckDb } from '../../src/data/duckdb.js';
import { readManifest } from '../../src/data/layers.js';
import { openPredictions, predictionsFiles } from '../../src/data/predictions.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { readTimeline, readTracker } from '../../src/registry/timeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/until.js';

const NAME = 'grades';
const FROM = '2022-01-16';
const WEEKS = 9;
/** From here on the same values mean other grades, so that the model that was trained before is wrong. */
const CHANGED_WEEK = 6;

const root = temporaryFolder(afterAll);
const conf = join(root, 'conf');
const csv = join(root, 'grades.csv');
writePipeline();
writeFileSync(csv, generated());

/** A pipeline like that of credit scoring, of a size that a test has time for. */
function writePipeline(): void {
  const folder = join(conf, 'pipelines', NAME);
  mkdirSync(folder, { recursive: true });
  const definition = {
    source: { file: 'grades.csv' },
    time: `DATE '${FROM}' + 7 * CAST((row_number() OVER () - 1) % ${WEEKS} AS INTEGER)`,
    partition: 'week',
    label: 'grade',
    task: 'multiclass',
    split: { by: 'time', train: '3 weeks', test: '1 week' },
  };
  const config = {
    model_config: { champion_metric: 'test.accuracy' },
    training_config: { algorithms: ['lightgbm'], min_partitions: 4 },
    algorithms: { lightgbm: { params: { n_estimators: 5, num_leaves: 4, min_child_samples: 5 } } },
    evaluation: { permutation_importance: { n_repeats: 0 } },
    // The model of before the change is good on the rows of before it: whoever is trained takes its place.
    promotion_gate: { min_samples: 1, alpha: 1e-12 },
    retraining: { every_days: 90, minimums: { accuracy: 0.7 } },
    monitoring_config: { performance_metric: 'accuracy' },
  };
  writeFileSync(join(folder, 'pipeline.json'), JSON.stringify(definition));
  writeFileSync(join(folder, 'model_config.dev.json'), JSON.stringify(config));
}

function generated(): string {
  const rows = Array.from({ length: WEEKS * 40 }, (_, i) => {
    const x = ((i * 7919) % 1000) / 1000;
    const y = ((i * 104_729) % 997) / 997;
    const grade = (i % WEEKS >= CHANGED_WEEK ? 2 - Math.floor(x * 3) : Math.floor(x * 3)) as 0 | 1 | 2;
    return [x, y, 'ABC'[grade]].join(',');
  });
  return ['x,y,grade', ...rows, ''].join('\n');
}

function backfill(folder: string, ...more: string[]): Command {
  const args = ['backfill', NAME, '--from', FROM, '--weeks', String(WEEKS), '--csv', csv, '--json', ...more];
  return startCommand({ folder, conf, args });
}

/** All that a backfill leaves, without the names and times that differ between runs. */
async function leftIn(folder: string) {
  const pipeline = await loadPipeline(NAME, { ...process.env, PERDURE_CONF: conf });
  const stores = (await openStores(join(folder, '.perdure', 'store')))(pipeline);
  const timeline = await readTimeline(stores.modelRegistry);
  const tracker = await readTracker(stores.modelRegistry);
  const versions = [...new Set([...JSON.stringify(timeline).matchAll(/v\d{8}_\d{6}_[0-9a-f]+/g)].map(([id]) => id))];
  const named = (value: unknown) =>
    JSON.parse(
      versions.reduce((text, id, i) => text.replaceAll(id, `version ${i + 1}`), JSON.stringify(value)),
    ) as unknown;
  const { partitions } = await readManifest(stores.datamart, 'gold');
  const files = await predictionsFiles(stores.predictions);
  const paths = await openPredictions(stores.predictions, files);
  const scratch = mkdtempSync(join(root, 'look-'));
  const context = { resources: { cpus: 1, memory: 2 ** 30 }, scratch, signal: new AbortController().signal };
  const predicted = await withDuckDb(context, (database) =>
    database.rows(
      `SELECT CAST(COLUMNS(* EXCLUDE (version)) AS VARCHAR) FROM read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false) ORDER BY ALL`,
    ),
  );
  return {
    timeline: named(timeline),
    tracker: named({ ...tracker, registration_date: null }),
    gold: partitions,
    predicted,
    registry: await registryOf(folder, conf, NAME),
  };
}

test('a backfill that is killed halfway goes on in its week, and leaves what an undisturbed one does', async () => {
  const [calm, killed] = [mkdtempSync(join(root, 'calm-')), mkdtempSync(join(root, 'killed-'))];
  const undisturbed = backfill(calm);
  const command = backfill(killed);
  // The week after this one trains.
  await until(() => command.said().includes('2022-02-27  predicted') || command.child.exitCode !== null);
  await sleep(1_500);
  const { pids } = await kill(command, 'together');
  const { code, stderr } = await backfill(killed).ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^An earlier command started this run at .+ UTC; this one follows it to its end\.$/m);
  expect(await leftBehind(pids)).toEqual([]);
  expect((await undisturbed.ended).code, undisturbed.said()).toBe(0);

  const wanted = await leftIn(calm);
  expect(wanted.timeline).toMatchObject({
    by: 'week',
    periods: [
      { from: '2022-01-16', outcome: 'skipped', decision: { because: 'not_enough_data' } },
      { outcome: 'skipped' },
      { outcome: 'skipped' },
      { outcome: 'skipped' },
      { outcome: 'trained', decision: { because: 'initial' }, rows: 40, model: { version: 'version 1' } },
      { outcome: 'predicted', evaluation: { status: 'skipped' } },
      { outcome: 'predicted', evaluation: { status: 'measured', value: 1, rows: 40 } },
      { from: '2022-03-06', outcome: 'trained', decision: { because: 'metric' }, evaluation: { status: 'measured' } },
      { outcome: 'predicted', evaluation: { status: 'skipped' }, model: { version: 'version 2' } },
    ],
  });
  expect(wanted.tracker).toMatchObject({ last_retraining_date: '2022-03-06', model_version: 'version 2' });
  expect(await leftIn(killed)).toEqual(wanted);

  // From a week on, which trains, it comes to the same once more; and what is done is not done again.
  const again = await backfill(killed, '--again-from', '2022-03-06').ended;
  expect(again.code, again.stderr).toBe(0);
  const { timeline, tracker } = await leftIn(killed);
  expect({ timeline, tracker }).toEqual({ timeline: wanted.timeline, tracker: wanted.tracker });
  expect((await backfill(killed).ended).code).toBe(EXIT.skipped);
}, 600_000);
