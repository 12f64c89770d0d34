import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { SHUTDOWN_FORCE_MS, SHUTDOWN_GRACE_MS } from '../../src/platform/temporal/workers.js';
import { bucketsOf } from '../buckets.js';
import { readSettings } from '../settings.js';
import { requireOwnBuckets } from '../stacks.js';
import { listPipelines, loadPipeline } from '../../src/config/load.js';
import { SETTINGS, synthesize } from './template.js';

interface Container {
  Image: unknown;
  Secrets?: { Name: string; ValueFrom: unknown }[];
  Environment: { Name: string; Value: unknown }[];
  LogConfiguration: { Options: { 'awslogs-group': { Ref: string }; 'awslogs-stream-prefix': string } };
  StopTimeout: number;
  HealthCheck?: unknown;
  ReadonlyRootFilesystem: boolean;
}

let template: Template;
let images: Template;

beforeAll(async () => {
  ({ perdure: template, images } = await synthesize());
});

function containerOf(family: string): Container {
  const definitions = Object.values(
    template.findResources('AWS::ECS::TaskDefinition', { Properties: { Family: family } }),
  ) as { Properties: { ContainerDefinitions: [Container] } }[];
  return definitions[0]!.Properties.ContainerDefinitions[0];
}

const SERVICES = ['orchestrator', 'data-processing', 'model-training'].map(
  (worker) => `diab-readmit-demo-worker-${worker}`,
);
/** Those of each pipeline in `conf`, as its production config or the defaults name them. */
const BUCKETS = (
  await Promise.all(
    (await listPipelines()).map((name) => loadPipeline(name, { ...process.env, ENVIRONMENT: SETTINGS.environment })),
  )
).flatMap((pipeline) => Object.values(bucketsOf(pipeline)));
const TASKS = ['diab-readmit-demo-pipeline', 'diab-readmit-demo-model-training'];

describe('task definitions', () => {
  test.each([
    ['diab-readmit-demo-pipeline', '1024', '2048'],
    ['diab-readmit-demo-model-training', '2048', '4096'],
    ['diab-readmit-demo-worker-orchestrator', '512', '1024'],
    ['diab-readmit-demo-worker-data-processing', '1024', '2048'],
    ['diab-readmit-demo-worker-model-training', '2048', '4096'],
  ])('%s has the size of the documents', (family, cpu, memory) => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      Family: family,
      Cpu: cpu,
      Memory: memory,
      RequiresCompatibilities: ['FARGATE'],
    });
  });

  test.each([...SERVICES, ...TASKS])('%s writes nothing but its scratch volume', (family) => {
    expect(containerOf(family)).toMatchObject({
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: '/scratch', ReadOnly: false, SourceVolume: 'scratch' }],
      Environment: expect.arrayContaining([
        { Name: 'PERDURE_SCRATCH', Value: '/scratch' },
        { Name: 'TMPDIR', Value: '/scratch' },
        { Name: 'PERDURE_STORE', Value: 's3://' },
        { Name: 'ENVIRONMENT', Value: 'prod' },
      ]),
    });
  });

  test.each([...SERVICES, ...TASKS])('%s is killed only after its worker has given up by itself', (family) => {
    const { StopTimeout } = containerOf(family);
    expect(StopTimeout * 1_000).toBeGreaterThan(SHUTDOWN_GRACE_MS + SHUTDOWN_FORCE_MS);
    // Fargate allows no more.
    expect(StopTimeout).toBeLessThanOrEqual(120);
  });
});

describe('secrets', () => {
  const secretsOf = (family: string) => (containerOf(family).Secrets ?? []).map(({ Name }) => Name).sort();
  const temporal = [
    'PERDURE_ENCRYPTION_KEY',
    'TEMPORAL_API_KEY',
    'TEMPORAL_TLS_CLIENT_CERT_DATA',
    'TEMPORAL_TLS_CLIENT_KEY_DATA',
  ];
  const features = ['REDIS_URL'];
  const channels = ['PERDURE_PAGERDUTY_ROUTING_KEY', 'PERDURE_SLACK_WEBHOOK_URL', 'PERDURE_SMTP_URL'];

  test('of channels and Redis are for the worker that sends alerts and writes features alone; tasks have none', () => {
    expect(secretsOf(SERVICES[0]!)).toEqual(temporal);
    expect(secretsOf(SERVICES[1]!)).toEqual([...temporal, ...channels, ...features].sort());
    expect(secretsOf(SERVICES[2]!)).toEqual(temporal);
    expect(TASKS.flatMap(secretsOf)).toEqual([]);
  });

  test('are references to Secrets Manager, and none is made or told', () => {
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    for (const { ValueFrom } of SERVICES.flatMap((family) => containerOf(family).Secrets!)) {
      expect(JSON.stringify(ValueFrom)).toMatch(/:secretsmanager:.*:secret:test\//);
    }
  });
});

describe('services', () => {
  test.each(SERVICES)('%s is scaled, rolled back and out of reach', (ServiceName) => {
    template.hasResourceProperties('AWS::ECS::Service', {
      ServiceName,
      DeploymentConfiguration: {
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        MinimumHealthyPercent: 100,
      },
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    });
    expect(containerOf(ServiceName).HealthCheck).toMatchObject({
      Command: ['CMD', 'node', '-e', expect.stringContaining('/livez')],
    });
  });

  test('have a range of tasks each', () => {
    const targets = Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget')) as {
      Properties: { MinCapacity: number; MaxCapacity: number };
    }[];
    expect(targets.map(({ Properties: { MinCapacity, MaxCapacity } }) => [MinCapacity, MaxCapacity]).sort()).toEqual([
      [1, 4],
      [1, 6],
      [2, 4],
    ]);
  });

  test.each(['orchestrator', 'dataProcessing', 'modelTraining'])(
    'of %s grow while work waits, and shrink once nothing waits and hardly anything is at work',
    (worker) => {
      // What the orchestrator logs by the minute becomes the metric.
      const [told] = Object.values(template.findResources('AWS::Logs::MetricFilter')).filter(({ Properties }) =>
        (Properties as { FilterPattern: string }).FilterPattern.includes(`"${worker}"`),
      ) as { Properties: Record<string, unknown> }[];
      expect(told!.Properties).toMatchObject({
        FilterPattern: `{ ($.backlogOf = "${worker}") && ($.tasks >= 0) }`,
        LogGroupName: containerOf(SERVICES[0]!).LogConfiguration.Options['awslogs-group'],
        MetricTransformations: [
          { MetricName: `${worker}Backlog`, MetricNamespace: 'Perdure/diab-readmit-demo', MetricValue: '$.tasks' },
        ],
      });

      type Policy = {
        Properties: {
          PolicyType: string;
          StepScalingPolicyConfiguration: { StepAdjustments: { ScalingAdjustment: number }[] };
        };
      };
      const policies = template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy') as Record<string, Policy>;
      const changesOf = (alarm: { AlarmActions: { Ref: string }[] }) =>
        policies[alarm.AlarmActions[0]!.Ref]!.Properties.StepScalingPolicyConfiguration.StepAdjustments.map(
          ({ ScalingAdjustment }) => ScalingAdjustment,
        );
      type ScalingAlarm = {
        MetricName?: string;
        ComparisonOperator: string;
        Threshold: number;
        EvaluationPeriods: number;
        AlarmActions: { Ref: string }[];
        Metrics?: { Expression?: string; MetricStat?: { Metric: { MetricName: string } } }[];
      };
      const alarms = (Object.values(template.findResources('AWS::CloudWatch::Alarm')) as { Properties: ScalingAlarm }[])
        .map(({ Properties }) => Properties)
        .filter(({ AlarmActions: [action] }) => action!.Ref in policies);
      const growing = alarms.filter(({ MetricName }) => MetricName === `${worker}Backlog`);
      expect(growing).toMatchObject([
        { ComparisonOperator: 'GreaterThanOrEqualToThreshold', Threshold: 1, EvaluationPeriods: 2 },
      ]);
      expect(changesOf(growing[0]!)).toEqual([1, 2, 3]);
      const shrinking = alarms.filter(({ Metrics }) =>
        Metrics?.some(({ MetricStat }) => MetricStat?.Metric.MetricName === `${worker}Backlog`),
      );
      expect(shrinking).toMatchObject([
        { ComparisonOperator: 'LessThanOrEqualToThreshold', Threshold: 15, EvaluationPeriods: 15 },
      ]);
      expect(shrinking[0]!.Metrics!.find(({ Expression }) => Expression)!.Expression).toBe('IF(backlog > 0, 100, cpu)');
      expect(changesOf(shrinking[0]!)).toEqual([-1]);
    },
  );

  test('let nobody in, and tasks have a security group and subnets of their own, out of which only AWS is reached', () => {
    for (const GroupDescription of ['Perdure workers', 'Perdure tasks']) {
      template.hasResourceProperties('AWS::EC2::SecurityGroup', {
        GroupDescription,
        SecurityGroupIngress: Match.absent(),
      });
    }
    const told = Object.fromEntries(
      containerOf(SERVICES[1]!).Environment.map(({ Name, Value }) => [Name, JSON.stringify(Value)]),
    );
    expect(told.PERDURE_ECS_SECURITY_GROUPS).toMatch(/NetworkTasks/);
    const subnets = [...told.PERDURE_ECS_SUBNETS!.matchAll(/"Ref":"(\w+)"/g)].map(([, id]) => id!);
    expect(subnets).toHaveLength(2);
    const routes = Object.values(template.findResources('AWS::EC2::Route')) as {
      Properties: { RouteTableId: { Ref: string } };
    }[];
    const associations = Object.values(template.findResources('AWS::EC2::SubnetRouteTableAssociation')) as {
      Properties: { SubnetId: { Ref: string }; RouteTableId: { Ref: string } };
    }[];
    for (const subnet of subnets) {
      const table = associations.find(({ Properties }) => Properties.SubnetId.Ref === subnet)!.Properties.RouteTableId
        .Ref;
      expect(routes.filter(({ Properties }) => Properties.RouteTableId.Ref === table)).toEqual([]);
    }
  });

  test("let tasks speak with this network and S3 alone, which one setting narrows to S3's own addresses", async () => {
    const egressOf = (from: Template) => {
      const groups = Object.values(from.findResources('AWS::EC2::SecurityGroup')) as {
        Properties: {
          GroupDescription: string;
          SecurityGroupEgress: {
            CidrIp?: unknown;
            DestinationPrefixListId?: string;
            FromPort: number;
            ToPort: number;
          }[];
        };
      }[];
      return groups.find(({ Properties }) => Properties.GroupDescription === 'Perdure tasks')!.Properties
        .SecurityGroupEgress;
    };
    const inNetwork = {
      CidrIp: { 'Fn::GetAtt': [expect.stringContaining('Vpc') as string, 'CidrBlock'] },
      FromPort: 443,
      ToPort: 443,
    };
    // Their subnets have no route but those of the endpoints, so "anywhere" is S3 here.
    expect(egressOf(template)).toMatchObject([inNetwork, { CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 }]);
    const { perdure } = await synthesize({ ...SETTINGS, s3PrefixList: 'pl-6da54004' });
    const narrowed = egressOf(perdure);
    expect(narrowed).toMatchObject([inNetwork]);
    const rules = Object.values(perdure.findResources('AWS::EC2::SecurityGroupEgress')) as {
      Properties: { DestinationPrefixListId?: string; FromPort: number };
    }[];
    expect(
      [...narrowed, ...rules.map(({ Properties }) => Properties)].flatMap(
        ({ DestinationPrefixListId: list }) => list ?? [],
      ),
    ).toEqual(['pl-6da54004']);
  });

  test('let workers speak with Redis where the settings have one, at the port that they say', async () => {
    const portsOf = (from: Template) => {
      const groups = Object.values(from.findResources('AWS::EC2::SecurityGroup')) as {
        Properties: { GroupDescription: string; SecurityGroupEgress: { FromPort: number }[] };
      }[];
      const workers = groups.find(({ Properties }) => Properties.GroupDescription === 'Perdure workers')!;
      return workers.Properties.SecurityGroupEgress.map(({ FromPort }) => FromPort).sort((a, b) => a - b);
    };
    expect(portsOf(template)).toEqual([443, 465, 587, 6_379, 7_233]);
    expect(portsOf((await synthesize({ ...SETTINGS, redisPort: 6_380 })).perdure)).toContain(6_380);
    const { REDIS_URL: _, ...secrets } = SETTINGS.secrets;
    expect(portsOf((await synthesize({ ...SETTINGS, secrets })).perdure)).not.toContain(6_379);
  });

  test('and the default security group, which nobody names, lets nothing in or out', () => {
    template.resourceCountIs('Custom::VpcRestrictDefaultSG', 1);
  });

  test('launch the revision that belongs to their own image', () => {
    const value = containerOf(SERVICES[1]!).Environment.find(
      ({ Name }) => Name === 'PERDURE_ECS_TASK_DEFINITIONS',
    )!.Value;
    // A reference to a task definition is its ARN with the revision.
    const refs = [...JSON.stringify(value).matchAll(/"Ref":"(\w+)"/g)].map(([, id]) => id!);
    const families = refs.map(
      (id) =>
        (template.findResources('AWS::ECS::TaskDefinition')[id] as { Properties: { Family: string } }).Properties
          .Family,
    );
    expect(families.sort()).toEqual([...TASKS].sort());
  });
});

describe('buckets', () => {
  const names = BUCKETS;

  test.each(names)('%s is encrypted, versioned and closed to the public, and outlives the stack', (BucketName) => {
    template.hasResource('AWS::S3::Bucket', {
      // "Retain", except where a deployment that made it is rolled back: the next try makes it again.
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BucketName,
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } }],
        },
        VersioningConfiguration: { Status: 'Enabled' },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: {
          Rules: Match.arrayWith([
            Match.objectLike({ Id: 'unfinished-uploads', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }),
          ]),
        },
      },
    });
  });

  test('are no others but the one of their access logs', () => {
    template.resourceCountIs('AWS::S3::Bucket', names.length + 1);
    for (const BucketName of names)
      template.hasResourceProperties('AWS::S3::Bucket', {
        BucketName,
        LoggingConfiguration: { LogFilePrefix: `${BucketName}/` },
      });
  });

  test('are copied to another region by one setting', async () => {
    const keyArn = 'arn:aws:kms:eu-central-1:123456789012:key/0123abcd';
    const { perdure } = await synthesize({ ...SETTINGS, replication: { bucketSuffix: '-copy', keyArn } });
    const copied = Object.values(perdure.findResources('AWS::S3::Bucket')) as {
      Properties: { BucketName?: string; ReplicationConfiguration?: { Rules: { Destination: unknown }[] } };
    }[];
    const destinations = copied.flatMap(
      ({ Properties }) =>
        Properties.ReplicationConfiguration?.Rules.map(({ Destination }) => JSON.stringify(Destination)) ?? [],
    );
    expect(destinations).toHaveLength(names.length);
    for (const name of names)
      expect(
        destinations.some((destination) => destination.includes(`:s3:::${name}-copy`) && destination.includes(keyArn)),
      ).toBe(true);
  });

  test("refuse whoever doesn't speak TLS", () => {
    template.resourcePropertiesCountIs(
      'AWS::S3::BucketPolicy',
      {
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Effect: 'Deny',
              Action: 's3:*',
              Principal: { AWS: '*' },
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
          ]),
        },
      },
      names.length + 1,
    );
  });

  test('forget old preprocessed data and what tasks were told, and nothing else', () => {
    const buckets = Object.values(template.findResources('AWS::S3::Bucket')) as {
      Properties: {
        BucketName: string;
        LifecycleConfiguration: { Rules: { Prefix?: string; ExpirationInDays?: number }[] };
      };
    }[];
    const expiring = buckets.flatMap(({ Properties: { BucketName, LifecycleConfiguration } }) =>
      LifecycleConfiguration.Rules.filter(({ ExpirationInDays, Prefix }) => ExpirationInDays && Prefix).map(
        ({ Prefix, ExpirationInDays }) => [BucketName, Prefix, ExpirationInDays],
      ),
    );
    const datamarts = names.filter((name) => name.endsWith('-datamart'));
    expect(expiring.sort()).toEqual(
      datamarts
        .flatMap((datamart) => [
          [datamart, 'gold/preprocessed/train_data_', 90],
          [datamart, 'tasks/', 30],
        ])
        .sort(),
    );
  });
});

test.each([...SERVICES, ...TASKS])(
  '%s writes to a log group of its own, as its logs in compute.ecs name it',
  (family) => {
    const { 'awslogs-group': group, 'awslogs-stream-prefix': prefix } = containerOf(family).LogConfiguration.Options;
    const groups = template.findResources('AWS::Logs::LogGroup') as Record<
      string,
      { Properties: { LogGroupName: string } }
    >;
    expect([groups[group.Ref]!.Properties.LogGroupName, prefix]).toEqual([`/perdure/${family}`, 'perdure']);
  },
);

test('the worker that launches tasks alone knows where they run', () => {
  const told = SERVICES.filter((family) =>
    containerOf(family).Environment.some(({ Name }) => Name.startsWith('PERDURE_ECS_')),
  );
  expect(told).toEqual(['diab-readmit-demo-worker-data-processing']);
});

test('every log group forgets after 90 days', () => {
  // Of the workers and tasks, and of the network's flows.
  template.resourcePropertiesCountIs('AWS::Logs::LogGroup', { RetentionInDays: 90 }, 6);
  template.resourceCountIs('AWS::Logs::LogGroup', 6);
  template.resourceCountIs('AWS::EC2::FlowLog', 1);
});

test('what AWS offers is reached within its own network, and S3 for these buckets only', () => {
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint')) as {
    Properties: { VpcEndpointType: string; ServiceName: unknown };
  }[];
  const services = endpoints.map(
    ({ Properties }) =>
      `${Properties.VpcEndpointType} ${/"\.([a-z0-9.]+)"/.exec(JSON.stringify(Properties.ServiceName))?.[1]}`,
  );
  expect(services.sort()).toEqual([
    'Gateway s3',
    'Interface ecr.api',
    'Interface ecr.dkr',
    'Interface ecs',
    'Interface logs',
    'Interface secretsmanager',
  ]);
  const gateway = endpoints.find(({ Properties }) => Properties.VpcEndpointType === 'Gateway') as unknown as {
    Properties: { PolicyDocument: { Statement: { Resource: unknown }[] } };
  };
  for (const { Resource } of gateway.Properties.PolicyDocument.Statement) expect([Resource].flat()).not.toContain('*');
});

describe('alarms', () => {
  test('go to one topic, and from there to people', () => {
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'operators@example.com' });
    // Those without a name of their own are of the services' scaling.
    const alarms = (
      Object.values(template.findResources('AWS::CloudWatch::Alarm')) as {
        Properties: { AlarmName?: string; AlarmActions: unknown[] };
      }[]
    ).filter(({ Properties }) => Properties.AlarmName);
    expect(alarms.every(({ Properties }) => Properties.AlarmActions.length === 1)).toBe(true);
    expect(alarms.map(({ Properties }) => Properties.AlarmName).sort()).toEqual(
      [
        ...['orchestrator', 'dataProcessing', 'modelTraining'].flatMap((worker) =>
          ['gone', 'memory', 'backlog', 'errors'].map((what) => `diab-readmit-demo-${worker}-${what}`),
        ),
        ...BUCKETS.map((name) => `diab-readmit-demo-${name}-5xx`),
      ].sort(),
    );
  });

  test('reach the topic: its policy admits CloudWatch as well as events, for this account alone', () => {
    const { PolicyDocument } = (
      Object.values(template.findResources('AWS::SNS::TopicPolicy'))[0] as {
        Properties: {
          PolicyDocument: { Statement: { Effect: string; Principal: { Service?: string }; Condition?: unknown }[] };
        };
      }
    ).Properties;
    const admitted = PolicyDocument.Statement.filter(({ Effect }) => Effect === 'Allow');
    expect(admitted.map(({ Principal }) => Principal.Service).sort()).toEqual(
      expect.arrayContaining(['cloudwatch.amazonaws.com', 'events.amazonaws.com']),
    );
    expect(admitted.find(({ Principal }) => Principal.Service === 'cloudwatch.amazonaws.com')!.Condition).toMatchObject(
      { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    );
  });

  test('a worker that says nothing is gone', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'RunningTaskCount',
      Namespace: 'ECS/ContainerInsights',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      TreatMissingData: 'breaching',
    });
    template.hasResourceProperties('AWS::ECS::Cluster', {
      ClusterSettings: [{ Name: 'containerInsights', Value: 'enabled' }],
    });
  });

  test('tell of tasks that fail, and of deployments', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule')) as {
      Properties: { EventPattern: { 'detail-type': string[] } };
    }[];
    expect(rules.flatMap(({ Properties }) => Properties.EventPattern['detail-type']).sort()).toEqual([
      'ECS Deployment State Change',
      'ECS Task State Change',
      'ECS Task State Change',
    ]);
  });
});

test('a dashboard shows every alarm and worker, and a budget mails where the month becomes too dear', async () => {
  const { perdure } = await synthesize({ ...SETTINGS, budget: { usd: 500, email: 'operators@example.com' } });
  perdure.hasResourceProperties('AWS::CloudWatch::Dashboard', { DashboardName: 'diab-readmit-demo' });
  perdure.hasResourceProperties('AWS::Budgets::Budget', { Budget: { BudgetLimit: { Amount: 500, Unit: 'USD' } } });
  template.resourceCountIs('AWS::Budgets::Budget', 0);
});

test('two pipelines that name one bucket are refused', async () => {
  const pipeline = await loadPipeline('readmission', { ...process.env, ENVIRONMENT: 'prod' });
  const copy = { ...pipeline, definition: { ...pipeline.definition, name: 'copy' } };
  copy.config = {
    ...copy.config,
    storage: { ...copy.config.storage, datamart_bucket: 'a-copy', predictions_bucket: 'another' },
    model_config: { ...copy.config.model_config, model_registry_bucket: 'a-third' },
  };
  expect(() => requireOwnBuckets([pipeline, copy])).toThrow(
    'The pipelines readmission and copy both name the bucket diab-readmit-prod-monitoring; give each buckets of its own in its model config.',
  );
  expect(() => requireOwnBuckets([pipeline])).not.toThrow();
});

test('an image has to be named, and by a tag that means one image for good', () => {
  const untagged: Partial<typeof SETTINGS> = { ...SETTINGS };
  delete untagged.imageTag;
  const refusal = (message: RegExp): unknown =>
    expect.objectContaining({ type: 'ConfigInvalid', message: expect.stringMatching(message) });
  expect(() => readSettings(untagged)).toThrow(refusal(/\n {2}imageTag: name the image to run by --context imageTag=/));
  expect(() => readSettings({ ...SETTINGS, imageTag: 'latest' })).toThrow(
    refusal(/\n {2}imageTag: a tag that names one image for good/),
  );
});

test('a tag of an image never moves, and images are scanned', () => {
  images.hasResourceProperties('AWS::ECR::Repository', {
    RepositoryName: 'diab-readmit-demo',
    ImageTagMutability: 'IMMUTABLE',
    ImageScanningConfiguration: { ScanOnPush: true },
  });
});

test('wrong settings are refused with every fault at once', () => {
  expect(() =>
    readSettings({
      ...SETTINGS,
      name: 'Not A Name',
      email: undefined,
      temporal: { address: 'nowhere', namespace: 'n' },
    }),
  ).toThrow(
    expect.objectContaining({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /^"perdure" of cdk\.json has 3 fault.*\n {2}name: .*\n {2}temporal\.address: host:port\n {2}email: .*$/,
      ),
    }),
  );
});
