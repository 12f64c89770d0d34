import type { Client } from '@temporalio/client';
import type { Prices } from '../config/schema.js';
import { PHASES, type Phase } from '../contracts/index.js';
import { GIB } from '../platform/resources/resources.js';
import { endedRuns } from './phaseStatistics.js';
import { table } from './table.js';
import { duration } from './terminal.js';
import { busySeconds, workOf, type Work } from './workerTime.js';

/** What the work of a phase's newest runs took of workers and tasks. A service that waits for work costs besides. */
export interface PhaseCost extends Hours {
  phase: Phase;
  /** Ended runs that were looked at. */
  runs: number;
  workers: WorkerCost[];
}

/** The part of one kind of worker or task, its processes of one size together. */
export interface WorkerCost extends Hours {
  /** e.g. `model-training`, or `ECS` and the name of a task definition */
  worker: string;
  vcpus: number;
  gb: number;
  /** Of workers; tasks, where those did the work. */
  activities: number;
  /** Seconds at work; what a process does side by side counts once. */
  busy_seconds: number;
}

interface Hours {
  vcpu_hours: number;
  gb_hours: number;
  /** By the config's prices; `null` where it has none. */
  cost: number | null;
}

/** The phases of a pipeline that ever ran; cancelled runs aside. */
export async function phaseCosts(client: Client, pipeline: string, prices?: Prices): Promise<PhaseCost[]> {
  const found = await Promise.all(PHASES.map((phase) => costOf(client, pipeline, phase, prices)));
  return found.filter(({ runs }) => runs > 0);
}

async function costOf(client: Client, pipeline: string, phase: Phase, prices: Prices | undefined): Promise<PhaseCost> {
  const runs = await endedRuns(client, pipeline, phase);
  const work = (await Promise.all(runs.map(({ workflowId, runId }) => workOf(client, workflowId, runId)))).flat();
  const workers = groupsOf(work, ({ worker, resources }) => `${worker} ${resources.cpus} ${resources.memory}`).map(
    (group) => workerCost(group, prices),
  );
  const vcpu_hours = sumOf(workers, ({ vcpu_hours }) => vcpu_hours);
  const gb_hours = sumOf(workers, ({ gb_hours }) => gb_hours);
  return { phase, runs: runs.length, workers, ...priced(vcpu_hours, gb_hours, prices) };
}

/** @param work of workers of one kind and size, one piece at least */
function workerCost(work: Work[], prices: Prices | undefined): WorkerCost {
  const { worker, resources } = work[0]!;
  const [vcpus, gb] = [resources.cpus, resources.memory / GIB];
  const busy_seconds = sumOf(
    groupsOf(work, ({ process }) => process),
    busySeconds,
  );
  const hours = busy_seconds / 3600;
  return { worker, vcpus, gb, activities: work.length, busy_seconds, ...priced(hours * vcpus, hours * gb, prices) };
}

function priced(vcpu_hours: number, gb_hours: number, prices: Prices | undefined): Hours {
  return {
    vcpu_hours,
    gb_hours,
    cost: prices ? vcpu_hours * prices.per_vcpu_hour + gb_hours * prices.per_gb_hour : null,
  };
}

function groupsOf<Item>(items: Item[], key: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}

function sumOf<Item>(items: Item[], value: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

/** A row a phase and kind of worker, and the sum. */
export function costTable(costs: PhaseCost[], prices?: Prices): string {
  const money = ({ cost }: Hours) => (cost === null ? [] : [cost.toFixed(4)]);
  const hours = (of: Hours) => [of.vcpu_hours.toFixed(4), of.gb_hours.toFixed(4), ...money(of)];
  const rows = costs.flatMap(({ phase, runs, workers }) =>
    workers.map((of) => [
      phase,
      String(runs),
      of.worker,
      `${of.vcpus} vCPU, ${of.gb} GB`,
      duration(of.busy_seconds * 1000),
      ...hours(of),
    ]),
  );
  const total = priced(
    sumOf(costs, ({ vcpu_hours }) => vcpu_hours),
    sumOf(costs, ({ gb_hours }) => gb_hours),
    prices,
  );
  const head = [
    'phase',
    'runs',
    'worker',
    'size',
    'at work',
    'vCPU-hours',
    'GB-hours',
    ...(prices ? [prices.currency] : []),
  ];
  return table(head, [...rows, ['together', '', '', '', '', ...hours(total)]]);
}
