import { existsSync } from 'node:fs';
import { cp, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { temporal } from '@temporalio/proto';
import { loadPipeline } from '../src/config/load.js';
import { backfillIdOf, type BackfillResult, type PeriodRecord } from '../src/contracts/index.js';
import { packageFolder } from '../src/package.js';
import { connectClient } from '../src/platform/temporal/connection.js';
import { startEmbeddedServer } from '../src/platform/temporal/embeddedServer.js';
import { measure } from './processTree.js';
import { airflowPython } from './python.js';
import type { Section } from './section.js';

export const PIPELINE = 'credit';
export const WEEKS = 156;
/** Weeks of Airflow that are measured: every one is like the other. */
const AIRFLOW_WEEKS = 12;

/** The file of loans, where the bench has it. */
export function loans(): string | undefined {
  const csv = join(process.env.PERDURE_BENCH_DATA ?? '', 'credit', 'loans_full_schema.csv');
  return existsSync(csv) ? csv : undefined;
}
export const NO_LOANS = 'The loans were left out: PERDURE_BENCH_DATA names no folder that has them.';

/** The command that is measured. */
export function backfillArgs(csv: string): string[] {
  return ['backfill', PIPELINE, '--from', '2022-01-16', '--weeks', String(WEEKS), '--csv', csv, '--json'];
}

/** Where an undisturbed backfill runs: below the folder that `PERDURE_BENCH_KEEP` names it stays. */
export async function undisturbedFolder(temporary: string): Promise<string> {
  const kept = process.env.PERDURE_BENCH_KEEP;
  const folder = join(kept === undefined ? temporary : resolve(kept), 'backfill');
  await mkdir(folder, { recursive: true });
  return folder;
}

type Event = temporal.api.history.v1.IHistoryEvent;

/** Three years of credit scoring, week by week; and weeks of as many tasks that do nothing in Airflow. */
export const backfill: Section = {
  title: `Backfill: ${WEEKS} weeks of credit scoring, and Airflow's of tasks that do nothing`,
  async run(_pipeline, temporary, tell) {
    const csv = loans();
    if (!csv) return [NO_LOANS];
    const folder = await undisturbedFolder(temporary);
    tell(`${WEEKS} weeks`);
    const main = join(packageFolder(), 'dist', 'src', 'cli', 'main.js');
    const ours = await measure('node', [main, ...backfillArgs(csv)], { cwd: folder });
    const { result, timeline } = JSON.parse(ours.stdout) as {
      result: BackfillResult;
      timeline: { periods: PeriodRecord[] };
    };
    if (result.status !== 'completed') return [`The backfill was skipped: ${result.reason}`];
    tell('what its histories say');
    const weeks = await weeksOf(
      folder,
      timeline.periods.map(({ from }) => from),
    );
    const perWeek = (of: (week: Week) => number) => weeks.reduce((sum, week) => sum + of(week), 0) / weeks.length;
    const orchestration = perWeek(({ total, stages }) => total - stages);
    tell(`${AIRFLOW_WEEKS} weeks of Airflow`);
    const airflow = await airflowSeconds(folder);
    return [
      `the whole                                  ${ours.seconds.toFixed(0)} s, ${result.trained} trainings`,
      `a week outside of training and prediction  ${perWeek(({ total, training, inference }) => total - training - inference).toFixed(3)} s`,
      `a week outside of every stage              ${orchestration.toFixed(3)} s`,
      `events of a week, in all its histories     ${perWeek(({ events }) => events).toFixed(0)}`,
      `the server's database                      ${((await stat(join(folder, '.perdure', 'temporal.db'))).size / 1e6).toFixed(1)} MB`,
      `Airflow, a week of four tasks              ${airflow.toFixed(3)} s: ${(airflow / orchestration).toFixed(0)} times as much (aim: 20)`,
    ];
  },
};

/** What one week took, in seconds. */
interface Week {
  total: number;
  training: number;
  inference: number;
  /** In which a stage was at work, at least. */
  stages: number;
  events: number;
}

async function weeksOf(folder: string, days: string[]): Promise<Week[]> {
  // The command's own database, of which a server makes use again.
  const state = join(folder, 'histories');
  await cp(join(folder, '.perdure'), state, { recursive: true });
  const { algorithms } = (await loadPipeline(PIPELINE)).config.training_config;
  const server = await startEmbeddedServer(state);
  try {
    const client = await connectClient(server.target);
    const historyOf = async (id: string): Promise<Event[]> =>
      client.workflow
        .getHandle(id)
        .fetchHistory()
        .then(
          ({ events }) => events ?? [],
          () => [],
        );
    const weeks: Week[] = [];
    for (const day of days) {
      const week = `${backfillIdOf(PIPELINE)}-${day}`;
      const own = await historyOf(week);
      const [training, inference, ...others] = await Promise.all(
        [
          'training',
          'inference',
          'processing-before',
          'processing',
          ...algorithms.map((name) => `training-${name}`),
        ].map((name) => historyOf(`${week}-${name}`)),
      );
      const all = [own, training!, inference!, ...others];
      weeks.push({
        total: lasted(own),
        training: lasted(training!),
        inference: lasted(inference!),
        stages: covered(all.flatMap(atWork)),
        events: all.reduce((sum, events) => sum + events.length, 0),
      });
    }
    await client.connection.close();
    return weeks;
  } finally {
    await server.stop();
  }
}

function secondsOf({ eventTime }: Event): number {
  return Number(eventTime?.seconds ?? 0) + Number(eventTime?.nanos ?? 0) / 1e9;
}

function lasted(events: Event[]): number {
  const [first, last] = [events[0], events.at(-1)];
  return first && last ? secondsOf(last) - secondsOf(first) : 0;
}

/** From the start to the end of each activity. */
function atWork(events: Event[]): [number, number][] {
  const started = new Map<string, number>();
  return events.flatMap((event): [number, number][] => {
    const begun = event.activityTaskStartedEventAttributes;
    if (begun) started.set(String(begun.scheduledEventId), secondsOf(event));
    const ended = event.activityTaskCompletedEventAttributes;
    return ended ? [[started.get(String(ended.scheduledEventId)) ?? secondsOf(event), secondsOf(event)]] : [];
  });
}

/** Length of the union of intervals. */
function covered(intervals: [number, number][]): number {
  let [total, until] = [0, -Infinity];
  for (const [from, to] of intervals.toSorted(([a], [b]) => a - b)) {
    total += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return total;
}

async function airflowSeconds(folder: string): Promise<number> {
  const python = await airflowPython();
  const script = join(packageFolder(), 'bench', 'airflowBackfill.py');
  const { stdout } = await measure(python, [script, folder, String(AIRFLOW_WEEKS)], { cwd: folder });
  const { seconds, succeeded } = JSON.parse(stdout) as { seconds: number; succeeded: number };
  if (succeeded !== AIRFLOW_WEEKS) throw new Error(`Airflow did ${succeeded} of ${AIRFLOW_WEEKS} weeks.`);
  return seconds / AIRFLOW_WEEKS;
}
