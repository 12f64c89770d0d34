import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { killGroupOf } from '../../../src/platform/temporal/processes.js';
import { until } from '../until.js';

/** What becomes of one launch; by default the container's command runs as a process until it ends. */
export interface TaskPlan {
  /** Gets no further than this. */
  stuckIn?: 'PROVISIONING' | 'PENDING';
  /** Never starts, for this reason; with `listed` the containers are listed all the same. */
  failsToStart?: { reason: string; listed?: boolean };
  /** Ends, while the command runs, otherwise than by it. */
  takenAway?: {
    stopCode?: string;
    stoppedReason: string;
    exitCode?: number;
    containerReason?: string;
    when: () => Promise<unknown>;
  };
  /** What ECS tells of the container's end, whatever the process did. */
  told?: { exitCode?: number | null; containerReason?: string };
  /** A second container, which ends with this code. */
  sideCar?: { exitCode: number };
  /** In place of a process: its exit code. */
  simulated?: (task: EcsTask) => Promise<number>;
  /** So many looks find nothing, right after the launch. */
  unseenLooks?: number;
  /** Forgotten when it has stopped. */
  vanishes?: boolean;
}

export interface TaskOptions {
  arn: string;
  clusterArn: string;
  taskDefinitionArn: string;
  group: string;
  container: string;
  command: string[];
  environment: Record<string, string>;
  startedBy: string | undefined;
  /** The request's `overrides`, as described. */
  overrides: unknown;
  capacityProvider: string | undefined;
  /** Where its network interface lies; none without `awsvpc`. */
  subnet: string | undefined;
  tags: { key: string; value: string }[];
  cpu: string;
  memory: string;
  /** Seconds between SIGTERM and SIGKILL. */
  stopTimeout: number;
  /** Milliseconds from one status to the next. */
  step: number;
  /** Environment of the process beneath the task's own. */
  processEnvironment: NodeJS.ProcessEnv;
  log: (line: string) => void;
}

type Status =
  'PROVISIONING' | 'PENDING' | 'ACTIVATING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING' | 'DEPROVISIONING' | 'STOPPED';

/** A command that goes on until the task is told to stop. */
export async function untilStopped(task: EcsTask): Promise<number> {
  await until(() => task.desiredStatus === 'STOPPED');
  return 143;
}

/** One task on its way from PROVISIONING to STOPPED. */
export class EcsTask {
  status: Status = 'PROVISIONING';
  desiredStatus: 'RUNNING' | 'STOPPED' = 'RUNNING';
  stopCode: string | undefined;
  stoppedReason: string | undefined;
  /** How often the command was started. */
  starts = 0;
  /** Looks that found nothing so far. */
  unseen = 0;
  /** So many of the next looks find nothing, though it is there. */
  hiddenLooks = 0;
  readonly ended: Promise<void>;
  readonly createdAt = Date.now();
  private pullStartedAt: number | undefined;
  private startedAt: number | undefined;
  private stoppingAt: number | undefined;
  private stoppedAt: number | undefined;
  private exitCode: number | undefined;
  private containerReason: string | undefined;
  private process: ChildProcess | undefined;
  private stopAsked!: () => void;
  private readonly stopping = new Promise<void>((resolve) => (this.stopAsked = resolve));

  constructor(
    readonly options: TaskOptions,
    readonly plan: TaskPlan,
  ) {
    this.ended = this.live();
  }

  get forgotten(): boolean {
    return this.plan.vanishes === true && this.status === 'STOPPED';
  }

  /** Seconds from the pull of its image to its end. */
  get seconds(): number {
    return (this.stoppedAt! - this.pullStartedAt!) / 1000;
  }

  /** `StopTask`. */
  stop(reason: string): void {
    if (this.desiredStatus === 'STOPPED') return;
    this.end('UserInitiated', reason);
  }

  /** Ends the process at once, with the endpoint. */
  kill(): void {
    this.end('UserInitiated', 'the endpoint closes');
    this.signal('SIGKILL');
  }

  /** As DescribeTasks tells it; tags only where they are asked for. */
  describe(withTags = false): Record<string, unknown> {
    const {
      arn,
      clusterArn,
      taskDefinitionArn,
      group,
      startedBy,
      overrides,
      capacityProvider,
      cpu,
      memory,
      container,
      tags,
    } = this.options;
    const listed = !this.plan.failsToStart || this.plan.failsToStart.listed;
    const over = this.status === 'DEPROVISIONING' || this.status === 'STOPPED';
    const containerStatus = over
      ? 'STOPPED'
      : this.status === 'RUNNING' || this.stoppingAt !== undefined
        ? 'RUNNING'
        : 'PENDING';
    const containerArn = `${clusterArn.replace(':cluster/', ':container/')}/${arn.split('/').at(-1)}`;
    const own = {
      containerArn,
      taskArn: arn,
      name: container,
      lastStatus: containerStatus,
      exitCode: over ? this.exitCode : undefined,
      reason: this.containerReason,
    };
    const sideCar =
      this.plan.sideCar && this.status === 'STOPPED'
        ? [{ name: 'side-car', lastStatus: 'STOPPED', exitCode: this.plan.sideCar.exitCode }]
        : [];
    return {
      taskArn: arn,
      clusterArn,
      taskDefinitionArn,
      group,
      startedBy,
      overrides,
      capacityProviderName: capacityProvider,
      cpu,
      memory,
      lastStatus: this.status,
      desiredStatus: this.desiredStatus,
      createdAt: this.createdAt / 1000,
      pullStartedAt: this.pullStartedAt && this.pullStartedAt / 1000,
      startedAt: this.startedAt && this.startedAt / 1000,
      stoppingAt: this.stoppingAt && this.stoppingAt / 1000,
      stoppedAt: this.stoppedAt && this.stoppedAt / 1000,
      stopCode: this.desiredStatus === 'STOPPED' ? this.stopCode : undefined,
      stoppedReason: this.desiredStatus === 'STOPPED' ? this.stoppedReason : undefined,
      launchType: capacityProvider === undefined || capacityProvider.startsWith('FARGATE') ? 'FARGATE' : 'EC2',
      version: 1,
      tags: withTags ? tags : [],
      attachments: this.attachments(over),
      containers: listed || this.status !== 'STOPPED' ? [...sideCar, own] : [],
    };
  }

  private attachments(over: boolean): unknown[] {
    const { subnet } = this.options;
    if (subnet === undefined) return [];
    const status = over ? 'DELETED' : this.status === 'PROVISIONING' ? 'PRECREATED' : 'ATTACHED';
    return [
      {
        id: 'eni-attachment-1',
        type: 'ElasticNetworkInterface',
        status,
        details: [{ name: 'subnetId', value: subnet }],
      },
    ];
  }

  private async live(): Promise<void> {
    const { plan } = this;
    if (await this.waits('PROVISIONING')) return this.stopped();
    this.status = 'PENDING';
    this.pullStartedAt = Date.now();
    if (plan.failsToStart) {
      this.end('TaskFailedToStart', plan.failsToStart.reason);
      this.containerReason = plan.failsToStart.listed ? plan.failsToStart.reason : undefined;
    }
    if (await this.waits('PENDING')) return this.stopped();
    this.status = 'RUNNING';
    this.startedAt = Date.now();
    this.starts += 1;
    const { takenAway } = plan;
    if (takenAway) void takenAway.when().then(() => this.takeAway(takenAway));
    const exitCode = await (plan.simulated ? plan.simulated(this) : this.runProcess());
    this.exitCode = takenAway ? takenAway.exitCode : exitCode;
    if (!this.stopCode && !takenAway) this.end('EssentialContainerExited', 'Essential container in task exited');
    return this.stopped();
  }

  /** Returns whether the task ends in this status. */
  private async waits(status: Status): Promise<boolean> {
    const stays = this.plan.stuckIn === status;
    await Promise.race([this.stopping, ...(stays ? [] : [sleep(this.options.step)])]);
    return this.desiredStatus === 'STOPPED';
  }

  private runProcess(): Promise<number> {
    const { command, environment, processEnvironment, log } = this.options;
    const [program, ...args] = command;
    const child = spawn(program!, args, {
      env: { ...processEnvironment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', log);
    // A container ends whole.
    child.once('exit', () => killGroupOf(child));
    if (this.desiredStatus === 'STOPPED') this.terminate();
    return new Promise((resolve) => {
      child.once('error', (error) => {
        log(error.message);
        resolve(127);
      });
      child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
    });
  }

  private takeAway({ stopCode, stoppedReason, containerReason }: NonNullable<TaskPlan['takenAway']>): void {
    this.containerReason = containerReason;
    this.end(stopCode, stoppedReason);
  }

  private end(stopCode: string | undefined, stoppedReason: string): void {
    this.stopCode = stopCode;
    this.stoppedReason = stoppedReason;
    this.desiredStatus = 'STOPPED';
    this.stoppingAt = Date.now();
    if (this.status === 'RUNNING') this.status = 'STOPPING';
    this.stopAsked();
    this.terminate();
  }

  private terminate(): void {
    this.signal('SIGTERM');
    setTimeout(() => this.signal('SIGKILL'), this.options.stopTimeout * 1000).unref();
  }

  private signal(name: NodeJS.Signals): void {
    if (!this.process?.pid || this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(name);
  }

  private async stopped(): Promise<void> {
    const { told } = this.plan;
    if (told) {
      this.exitCode = told.exitCode === null ? undefined : (told.exitCode ?? this.exitCode);
      this.containerReason = told.containerReason ?? this.containerReason;
    }
    this.desiredStatus = 'STOPPED';
    // Its network interface goes before it has stopped.
    this.status = 'DEPROVISIONING';
    await sleep(this.options.step);
    this.status = 'STOPPED';
    this.stoppedAt = Date.now();
  }
}
