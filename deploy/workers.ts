import { Duration } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { FargateService, PropagatedTagSource, type Cluster, type HealthCheck } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { WORKERS, type WorkerName } from '../src/temporal/workers.js';
import { PerdureContainer } from './containers.js';
import type { Network } from './network.js';
import { ALERT_SECRETS, TEMPORAL_SECRETS, type Settings } from './settings.js';

export const WORKER_NAMES = Object.keys(WORKERS) as WorkerName[];

/** Alerts are sent by the operations queue, which this worker polls beside its own. */
const ALERTING: WorkerName = 'dataProcessing';

const HEALTH_PORT = 9600;

/** As in the image; a task definition doesn't take over the image's own. */
const HEALTH_CHECK: HealthCheck = {
  command: ['CMD', 'node', '-e', `fetch('http://127.0.0.1:${HEALTH_PORT}/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`],
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
}

/** A worker as a service: replaced when it dies, rolled back when a new image doesn't come up, scaled by its load. */
export class WorkerService extends Construct {
  readonly container: PerdureContainer;
  readonly service: FargateService;

  constructor(scope: Construct, id: string, { worker, settings, images, cluster, network, environment }: WorkerServiceOptions) {
    super(scope, id);
    const { entry, size, taskQueue } = WORKERS[worker];
    const { min, max } = settings.workers[worker];
    const name = `${settings.name}-worker-${taskQueue}`;
    this.container = new PerdureContainer(this, 'Container', {
      settings,
      images,
      family: name,
      size,
      command: ['node', `dist/workers/${entry}.js`],
      environment: {
        ...environment,
        ...(settings.workerVersions ? { PERDURE_BUILD_ID: settings.imageTag } : {}),
        TEMPORAL_ADDRESS: settings.temporal.address,
        TEMPORAL_NAMESPACE: settings.temporal.namespace,
        PERDURE_HEALTH_PORT: String(HEALTH_PORT),
        ...(worker === ALERTING ? emailVariables(settings) : {}),
      },
      secrets: worker === ALERTING ? [...TEMPORAL_SECRETS, ...ALERT_SECRETS] : TEMPORAL_SECRETS,
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
    // A stage worker at work keeps its CPUs busy and an idle one none, so more than 60 % on average says that work may
    // be waiting. In slowly: what a worker was at begins again elsewhere from its last finished activity.
    this.service.autoScaleTaskCount({ minCapacity: min, maxCapacity: max }).scaleOnCpuUtilization('Cpu', {
      targetUtilizationPercent: 60,
      scaleOutCooldown: Duration.minutes(1),
      scaleInCooldown: Duration.minutes(15),
    });
  }
}

function emailVariables({ email }: Settings): Record<string, string> {
  return email ? { PERDURE_EMAIL_FROM: email.from, PERDURE_EMAIL_TO: email.to.join(',') } : {};
}
