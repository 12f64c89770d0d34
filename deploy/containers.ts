import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import {
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LogDriver,
  OperatingSystemFamily,
  Secret as ContainerSecret,
  type HealthCheck,
} from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { formatResources, type Resources } from '../src/platform/resources/resources.js';
import { SHUTDOWN_FORCE_MS } from '../src/platform/temporal/workers.js';
import type { Settings } from './settings.js';

export type SecretVariable = keyof Settings['secrets'];

export interface ContainerOptions {
  settings: Settings;
  images: IRepository;
  family: string;
  resources: Resources;
  command: string[];
  environment?: Record<string, string>;
  secrets?: readonly SecretVariable[];
  healthCheck?: HealthCheck;
}

/** The container that ECS dispatch judges, as `compute.ecs.container` of a pipeline's config says by default. */
export const CONTAINER = 'perdure';

/** The one place of a container that can be written; the image makes it for its user. */
const SCRATCH = '/scratch';
/** GiB, the least that Fargate takes beyond its own 20; datasets and spilled queries lie here. */
const SCRATCH_GIB = 50;

/** The worker gives up by itself after the force time and some seconds; only then may ECS kill it. */
export const STOP_TIMEOUT = Duration.millis(SHUTDOWN_FORCE_MS).plus(Duration.seconds(40));

/** One container on Fargate that can write nothing but its scratch volume, with a role and a log group of its own. */
export class PerdureContainer extends Construct {
  readonly taskDefinition: FargateTaskDefinition;
  readonly role: Role;
  readonly logs: LogGroup;

  constructor(scope: Construct, id: string, options: ContainerOptions) {
    super(scope, id);
    const { settings, images, family, resources, command } = options;
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    this.logs = new LogGroup(this, 'Logs', {
      logGroupName: `/perdure/${family}`,
      retention: settings.logDays,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.taskDefinition = new FargateTaskDefinition(this, 'Task', {
      family,
      cpu: resources.cpus * 1024,
      memoryLimitMiB: resources.memory / 2 ** 20,
      ephemeralStorageGiB: SCRATCH_GIB,
      taskRole: this.role,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.X86_64, operatingSystemFamily: OperatingSystemFamily.LINUX },
      volumes: [{ name: 'scratch' }],
    });
    const container = this.taskDefinition.addContainer(CONTAINER, {
      containerName: CONTAINER,
      image: ContainerImage.fromEcrRepository(images, settings.imageTag),
      command,
      environment: {
        ENVIRONMENT: settings.environment,
        AWS_REGION: Stack.of(this).region,
        PERDURE_STORE: 's3://',
        ...(settings.conf ? { PERDURE_CONF: settings.conf } : {}),
        PERDURE_SIZE: formatResources(resources),
        PERDURE_SCRATCH: SCRATCH,
        PERDURE_COMMIT: settings.imageTag,
        PERDURE_LOG_FORMAT: 'json',
        TMPDIR: SCRATCH,
        ...options.environment,
      },
      secrets: this.secretsNamed(options),
      logging: LogDriver.awsLogs({ logGroup: this.logs, streamPrefix: CONTAINER }),
      readonlyRootFilesystem: true,
      stopTimeout: STOP_TIMEOUT,
      healthCheck: options.healthCheck,
    });
    container.addMountPoints({ containerPath: SCRATCH, sourceVolume: 'scratch', readOnly: false });
  }

  /** Only those that the settings name: ECS doesn't start a container whose secret isn't there. */
  private secretsNamed({ settings, secrets = [] }: ContainerOptions): Record<string, ContainerSecret> {
    const named = secrets.flatMap((variable) => {
      const name = settings.secrets[variable];
      if (!name) return [];
      return [[variable, ContainerSecret.fromSecretsManager(Secret.fromSecretNameV2(this, variable, name))] as const];
    });
    return Object.fromEntries(named);
  }
}
