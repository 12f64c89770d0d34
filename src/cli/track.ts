import { randomUUID } from 'node:crypto';
import { PerdureError } from '../errors.js';
import { TRACKING_URI, trackingServer } from '../platform/tracking/settings.js';
import { writeWaiting } from '../platform/tracking/tracking.js';
import { EXIT } from './exitCodes.js';
import { interruption } from './interruption.js';
import type { CommonOptions } from './options.js';
import { openToRead } from './store.js';
import { table } from './table.js';
import { countOf, print, printJson, say } from './terminal.js';

/** A person waits for all of it. */
const BUDGET_MS = 3_600_000;

/**
 * `perdure track`: writes what waits to MLflow. Exits with 1 where something still waits.
 * @throws PerdureError `ConfigInvalid` where the pipeline or the environment names no server
 */
export async function track(name: string, options: CommonOptions): Promise<void> {
  const { pipeline, stores } = await openToRead(name, options);
  if (!pipeline.definition.tracking)
    throw new PerdureError(
      'ConfigInvalid',
      `${name} has no "tracking"; add "tracking": {"mlflow": {}} to its pipeline.json, and train again.`,
    );
  if (!trackingServer())
    throw new PerdureError('ConfigInvalid', `${TRACKING_URI} is not set; set it to the address of an MLflow server.`);
  const tracked = await writeWaiting(pipeline, stores, {
    owner: randomUUID(),
    signal: interruption(),
    budgetMs: BUDGET_MS,
  });
  const rows = [...tracked].map(([training, outcome]) => ({ training, ...outcome }));
  if (options.json) printJson({ trainings: rows });
  else if (rows.length === 0) print('No training waits to be written to MLflow.');
  else
    print(
      table(
        ['training', 'status', ''],
        rows.map((row) => [row.training, row.status, row.status === 'written' ? row.uri : row.reason]),
      ),
    );
  const waiting = rows.filter(({ status }) => status === 'waits');
  if (waiting.length === 0) return;
  say(
    `${countOf(waiting.length, 'training')} of ${name} could not be written; once that is put right, run "perdure track ${name}" again.`,
  );
  process.exitCode = EXIT.failed;
}
