import { Duration } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { MathExpression, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
import {
  FargateService,
  PropagatedTagSource,
  type Cluster,
  type HealthCheck,
  type ScalableTaskCount,
} from 'aws-cdk-lib/aws-ecs';
import { FilterPattern, MetricFilter, type LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { BacklogLine } from '../src/platform/temporal/backlog.js';
import { WORKERS, type WorkerName } from '../src/platform/temporal/workers.js';
import { PerdureContainer } from './containers.js';
import type { Network } from './network.js';
import { ALERT_SECRETS, FEATURE_SECRETS, TEMPORAL_SECRETS, TRACKING_SECRETS, type Settings } from './settings.js';

export const WORKER_NAMES = Object.keys(WORKERS) as WorkerName[];

/** Alerts are sent by the operations queue, which this worker polls beside its own. */
const ALERTING: WorkerName = 'dataProcessing';

const HEALTH_PORT = 9600;

/** A stage keeps the CPUs of its worker busy, so a service none of whose tasks uses more than this does hardly anything. */
const IDLE_PERCENT = 15;

/** As in the image; a task definition doesn't take over the image's own. */
const HEALTH_CHECK: HealthCheck = {
  command: [
    'CMD',
    'node',
    '-e',
    `fetch('http://127.0.0.1:${HEALTH_PORT}/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`,
  ],
  interval: Duration.seconds(30),
  timeout: Duration.seconds(10),
  retries: 3,
  startPeriod: Duration.seconds(60),
};

export interface WorkerServiceOptions {
  worker: WorkerName;
  settings: Settings;
  images: IRepository;
  cluster: Cluster;
  network: Network;
  environment: Record<string, string>;
  /** Log group of the worker that tells what waits for whom; by default its own. */
  backlogLogs?: LogGroup;
}

/** A worker as a service: replaced when it dies, rolled back when a new image doesn't come up, scaled by its load. */
export class WorkerService extends Construct {
  readonly container: PerdureContainer;
  readonly service: FargateService;

  /** Tasks that wait in the queues that this worker polls. */
  readonly backlog: Metric;

  constructor(
    scope: Construct,
    id: string,
    private readonly options: WorkerServiceOptions,
  ) {
    super(scope, id);
    const { worker, settings, images, cluster, network, environment } = options;
    const { entry, resources, taskQueue } = WORKERS[worker];
    const { min, max } = settings.workers[worker];
    const name = `${settings.name}-worker-${taskQueue}`;
    this.container = new PerdureContainer(this, 'Container', {
      settings,
      images,
      family: name,
      resources,
      command: ['node', `dist/workers/${entry}.js`],
      environment: {
        ...environment,
        ...(settings.workerVersions ? { PERDURE_BUILD_ID: settings.imageTag } : {}),
        TEMPORAL_ADDRESS: settings.temporal.address,
        TEMPORAL_NAMESPACE: settings.temporal.namespace,
        PERDURE_HEALTH_PORT: String(HEALTH_PORT),
        ...(worker === ALERTING ? emailVariables(settings) : {}),
      },
      secrets:
        worker === ALERTING
          ? [...TEMPORAL_SECRETS, ...ALERT_SECRETS, ...TRACKING_SECRETS, ...FEATURE_SECRETS]
          : TEMPORAL_SECRETS,
      healthCheck: HEALTH_CHECK,
    });
    this.service = new FargateService(this, 'Service', {
      serviceName: name,
      cluster,
      taskDefinition: this.container.taskDefinition,
      desiredCount: min,
      vpcSubnets: network.subnets,
      securityGroups: [network.workers],
      assignPublicIp: false,
      // New workers poll before old ones are told to stop.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      propagateTags: PropagatedTagSource.SERVICE,
    });
    this.backlog = this.backlogMetric(options.backlogLogs ?? this.container.logs);
    this.scale(this.service.autoScaleTaskCount({ minCapacity: min, maxCapacity: max }));
  }

  /**
   * More tasks while work waits; fewer once nothing has waited for a quarter of an hour and hardly anything was at work,
   * as what a worker was at begins again elsewhere from its last finished activity.
   */
  private scale(scaling: ScalableTaskCount): void {
    const { backlog } = this;
    scaling.scaleOnMetric('Backlog', {
      metric: backlog,
      scalingSteps: [
        { lower: 1, change: 1 },
        { lower: 5, change: 2 },
        { lower: 20, change: 3 },
      ],
      evaluationPeriods: 2,
      cooldown: Duration.minutes(3),
    });
    scaling.scaleOnMetric('Idle', {
      metric: new MathExpression({
        expression: 'IF(backlog > 0, 100, cpu)',
        usingMetrics: {
          backlog,
          cpu: this.service.metricCpuUtilization({ statistic: 'Maximum', period: backlog.period }),
        },
        label: 'CPU in %, 100 where work waits',
        period: backlog.period,
      }),
      scalingSteps: [
        { upper: IDLE_PERCENT, change: -1 },
        { lower: 100, change: 0 },
      ],
      evaluationPeriods: 15,
      cooldown: Duration.minutes(15),
    });
  }

  private backlogMetric(logs: LogGroup): Metric {
    const [ofWorker, tasks] = ['backlogOf', 'tasks'] satisfies (keyof BacklogLine)[];
    const metricName = `${this.node.id}Backlog`;
    const filter = new MetricFilter(this, 'BacklogTold', {
      logGroup: logs,
      filterPattern: FilterPattern.all(
        FilterPattern.stringValue(`$.${ofWorker}`, '=', this.node.id),
        FilterPattern.numberValue(`$.${tasks}`, '>=', 0),
      ),
      metricNamespace: `Perdure/${this.options.settings.name}`,
      metricName,
      metricValue: `$.${tasks}`,
    });
    return filter.metric({ statistic: 'Maximum', period: Duration.minutes(1) });
  }
}

function emailVariables({ email }: Settings): Record<string, string> {
  return email ? { PERDURE_EMAIL_FROM: email.from, PERDURE_EMAIL_TO: email.to.join(',') } : {};
}
