import { Duration, Fn, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { Repository, type IRepository } from 'aws-cdk-lib/aws-ecr';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { AccountRootPrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Pipeline } from '../src/config/load.js';
import { WORKERS, type WorkerName } from '../src/platform/temporal/workers.js';
import {
  dataProcessingAccess,
  modelTrainingAccess,
  operationsAccess,
  operatorAccess,
  taskAccess,
  type StoreAccess,
} from './access.js';
import { Alarms } from './alarms.js';
import { Buckets } from './buckets.js';
import { PerdureContainer } from './containers.js';
import { denyAliases, denyOverwriting, grantAccess, grantKey } from './grants.js';
import { Network } from './network.js';
import { limitCosts, Overview } from './overview.js';
import type { Settings } from './settings.js';
import { WORKER_NAMES, WorkerService } from './workers.js';

export interface PerdureStackProps extends StackProps {
  settings: Settings;
  pipelines: Pipeline[];
}

/** What a stage may do with the store, in a worker or as a task of its own. */
const STAGE_ACCESS: Partial<Record<WorkerName, (pipeline: Pipeline) => StoreAccess>> = {
  dataProcessing: dataProcessingAccess,
  modelTraining: modelTrainingAccess,
};

/** It polls the queues of operations, and of the calls that launch tasks and wait for them. */
const DISPATCHING: WorkerName = 'dataProcessing';

/** Perdure on ECS: three workers as services, two task definitions for stages that run alone, and the buckets. */
export class PerdureStack extends Stack {
  private readonly images: IRepository;
  private readonly key: Key;
  private readonly buckets: Buckets;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PerdureStackProps,
  ) {
    super(scope, id, props);
    const { settings, pipelines } = props;
    // By name: the repository's stack stays free to change.
    this.images = Repository.fromRepositoryName(this, 'Images', settings.name);
    this.key = new Key(this, 'Key', {
      description: 'Objects of the buckets',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.buckets = new Buckets(this, 'Buckets', { pipelines, key: this.key, settings });
    const network = new Network(this, 'Network', { settings, buckets: this.buckets.all });
    const cluster = new Cluster(this, 'Cluster', {
      clusterName: settings.name,
      vpc: network.vpc,
      enableFargateCapacityProviders: true,
      containerInsightsV2: ContainerInsights.ENABLED,
    });

    // Stages that run alone need neither Temporal nor its secrets: input and result lie in the store.
    const tasks = [
      this.task('PipelineTask', 'pipeline', 'dataProcessing'),
      this.task('ModelTrainingTask', 'model-training', 'modelTraining'),
    ];
    const whereTasksRun = {
      PERDURE_ECS_CLUSTER: cluster.clusterName,
      PERDURE_ECS_SUBNETS: network.vpc.selectSubnets(network.taskSubnets).subnetIds.join(','),
      PERDURE_ECS_SECURITY_GROUPS: network.tasks.securityGroupId,
      // With their revisions: this worker launches its own image, also while a newer one is being deployed.
      PERDURE_ECS_TASK_DEFINITIONS: tasks.map(({ taskDefinition }) => taskDefinition.taskDefinitionArn).join(','),
    };
    let backlogLogs: LogGroup | undefined;
    const workers = WORKER_NAMES.map((worker) => {
      const service = new WorkerService(this, worker, {
        worker,
        settings,
        images: this.images,
        cluster,
        network,
        environment: worker === DISPATCHING ? whereTasksRun : {},
        backlogLogs,
      });
      // The orchestrator, the first of them, looks at the queues of all.
      backlogLogs ??= service.container.logs;
      this.grantStages(service.container.role, worker);
      return service;
    });
    const { role } = workers[WORKER_NAMES.indexOf(DISPATCHING)]!.container;
    for (const pipeline of pipelines) grantAccess(role, pipeline, operationsAccess(pipeline), this.buckets);
    this.grantDispatch(role, cluster, tasks);
    const alarms = new Alarms(this, 'Alarms', { settings, cluster, workers, buckets: this.buckets.all });
    this.operator();
    new Overview(this, 'Overview', { settings, workers, alarms });
    if (settings.budget) limitCosts(this, settings, settings.budget);
  }

  /** The role of people who look after it by the command line. Who may take it on is for the account to say. */
  private operator(): void {
    const { settings, pipelines } = this.props;
    const role = new Role(this, 'Operator', {
      roleName: `${settings.name}-operator`,
      description: 'Looks after the pipelines of Perdure by its command line',
      assumedBy: new AccountRootPrincipal(),
      maxSessionDuration: Duration.hours(12),
    });
    for (const pipeline of pipelines)
      grantAccess(role, pipeline, operatorAccess(pipeline, settings.conf !== undefined), this.buckets);
    grantKey(role, this.key);
  }

  private task(id: string, suffix: string, worker: 'dataProcessing' | 'modelTraining'): PerdureContainer {
    const { settings } = this.props;
    const { resources } = WORKERS[worker];
    const task = new PerdureContainer(this, id, {
      settings,
      images: this.images,
      family: `${settings.name}-${suffix}`,
      resources,
      // Whoever launches it adds the stage, its input and where the result goes.
      command: ['perdure', 'task', '--help'],
    });
    this.grantStages(task.role, worker);
    for (const pipeline of this.props.pipelines) grantAccess(task.role, pipeline, taskAccess(), this.buckets);
    return task;
  }

  /** Nothing to the orchestrator: its workflow tasks never see the store. */
  private grantStages(role: Role, worker: WorkerName): void {
    const access = STAGE_ACCESS[worker];
    if (!access) return;
    for (const pipeline of this.props.pipelines) {
      grantAccess(role, pipeline, access(pipeline), this.buckets);
      if (worker !== 'modelTraining') continue;
      denyAliases(role, pipeline, this.buckets);
      denyOverwriting(role, pipeline, this.buckets);
    }
    grantKey(role, this.key);
  }

  /** To run the two task definitions in this cluster, as their own roles, and to read how they went. */
  private grantDispatch(role: Role, cluster: Cluster, tasks: PerdureContainer[]): void {
    const inCluster = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
    const families = tasks.map(({ taskDefinition }) =>
      this.formatArn({ service: 'ecs', resource: 'task-definition', resourceName: `${taskDefinition.family}:*` }),
    );
    const tasksOfCluster = [
      this.formatArn({ service: 'ecs', resource: 'task', resourceName: `${cluster.clusterName}/*` }),
    ];
    const roles = tasks.flatMap(({ role: taskRole, taskDefinition }) => [
      taskRole.roleArn,
      taskDefinition.obtainExecutionRole().roleArn,
    ]);
    const statements = [
      { actions: ['ecs:RunTask'], resources: families, conditions: inCluster },
      // Only at the launch: a task's tags stay as they are.
      {
        actions: ['ecs:TagResource'],
        resources: tasksOfCluster,
        conditions: { StringEquals: { 'ecs:CreateAction': 'RunTask' } },
      },
      { actions: ['ecs:DescribeTasks', 'ecs:StopTask'], resources: tasksOfCluster, conditions: inCluster },
      // ECS knows no narrower resource for it than "any container instance".
      { actions: ['ecs:ListTasks'], resources: ['*'], conditions: inCluster },
      {
        actions: ['iam:PassRole'],
        resources: roles,
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      },
      { actions: ['logs:GetLogEvents'], resources: tasks.map(({ logs }) => logStreams(logs)) },
    ];
    for (const statement of statements) role.addToPolicy(new PolicyStatement(statement));
  }
}

/** The group's own ARN ends in ":*". */
function logStreams({ logGroupArn }: LogGroup): string {
  return Fn.join('', [Fn.select(0, Fn.split(':*', logGroupArn)), ':log-stream:*']);
}
