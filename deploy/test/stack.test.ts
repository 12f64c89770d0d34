import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { SHUTDOWN_FORCE_MS, SHUTDOWN_GRACE_MS } from '../../src/temporal/workers.js';
import { readSettings } from '../settings.js';
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
  const definitions = Object.values(template.findResources('AWS::ECS::TaskDefinition', { Properties: { Family: family } })) as { Properties: { ContainerDefinitions: [Container] } }[];
  return definitions[0]!.Properties.ContainerDefinitions[0];
}

const SERVICES = ['orchestrator', 'data-processing', 'model-training'].map((worker) => `diab-readmit-demo-worker-${worker}`);
const TASKS = ['diab-readmit-demo-pipeline', 'diab-readmit-demo-model-training'];

describe('task definitions', () => {
  test.each([
    ['diab-readmit-demo-pipeline', '1024', '2048'],
    ['diab-readmit-demo-model-training', '2048', '4096'],
    ['diab-readmit-demo-worker-orchestrator', '512', '1024'],
    ['diab-readmit-demo-worker-data-processing', '1024', '2048'],
    ['diab-readmit-demo-worker-model-training', '2048', '4096'],
  ])('%s has the size of the documents', (family, cpu, memory) => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', { Family: family, Cpu: cpu, Memory: memory, RequiresCompatibilities: ['FARGATE'] });
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
  const temporal = ['PERDURE_ENCRYPTION_KEY', 'TEMPORAL_API_KEY', 'TEMPORAL_TLS_CLIENT_CERT_DATA', 'TEMPORAL_TLS_CLIENT_KEY_DATA'];
  const channels = ['PERDURE_PAGERDUTY_ROUTING_KEY', 'PERDURE_SLACK_WEBHOOK_URL', 'PERDURE_SMTP_URL'];

  test('of the channels are for the worker that sends alerts alone; tasks have none', () => {
    expect(secretsOf(SERVICES[0]!)).toEqual(temporal);
    expect(secretsOf(SERVICES[1]!)).toEqual([...temporal, ...channels].sort());
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
      DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: true, Rollback: true }, MinimumHealthyPercent: 100 },
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    });
    expect(containerOf(ServiceName).HealthCheck).toMatchObject({ Command: ['CMD', 'node', '-e', expect.stringContaining('/livez')] });
  });

  test('have a range of tasks each', () => {
    const targets = Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget')) as { Properties: { MinCapacity: number; MaxCapacity: number } }[];
    expect(targets.map(({ Properties: { MinCapacity, MaxCapacity } }) => [MinCapacity, MaxCapacity]).sort()).toEqual([[1, 4], [1, 6], [2, 4]]);
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 3);
  });

  test('let nobody in', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroup', { GroupDescription: 'Perdure workers and tasks', SecurityGroupIngress: Match.absent() });
  });
});

describe('buckets', () => {
  const names = ['datamart', 'predictions', 'monitoring', 'model-registry'].map((store) => `diab-readmit-prod-${store}`);

  test.each(names)('%s is encrypted, versioned and closed to the public, and outlives the stack', (BucketName) => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketName,
        BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } }] },
        VersioningConfiguration: { Status: 'Enabled' },
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
        LifecycleConfiguration: { Rules: Match.arrayWith([Match.objectLike({ Id: 'unfinished-uploads', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } })]) },
      },
    });
  });

  test('are no others', () => {
    template.resourceCountIs('AWS::S3::Bucket', names.length);
  });

  test('refuse whoever doesn\'t speak TLS', () => {
    template.resourcePropertiesCountIs('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Action: 's3:*', Principal: { AWS: '*' }, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    }, names.length);
  });

  test('forget old preprocessed data and what tasks were told, and nothing else', () => {
    const buckets = Object.values(template.findResources('AWS::S3::Bucket')) as { Properties: { BucketName: string; LifecycleConfiguration: { Rules: { Prefix?: string; ExpirationInDays?: number }[] } } }[];
    const expiring = buckets.flatMap(({ Properties: { BucketName, LifecycleConfiguration } }) =>
      LifecycleConfiguration.Rules.filter(({ ExpirationInDays }) => ExpirationInDays).map(({ Prefix, ExpirationInDays }) => [BucketName, Prefix, ExpirationInDays]),
    );
    expect(expiring).toEqual([
      ['diab-readmit-prod-datamart', 'gold/preprocessed/train_data_', 90],
      ['diab-readmit-prod-datamart', 'tasks/', 30],
    ]);
  });
});

test.each([...SERVICES, ...TASKS])('%s writes to a log group of its own, as its logs in compute.ecs name it', (family) => {
  const { 'awslogs-group': group, 'awslogs-stream-prefix': prefix } = containerOf(family).LogConfiguration.Options;
  const groups = template.findResources('AWS::Logs::LogGroup') as Record<string, { Properties: { LogGroupName: string } }>;
  expect([groups[group.Ref]!.Properties.LogGroupName, prefix]).toEqual([`/perdure/${family}`, 'perdure']);
});

test('the worker that launches tasks alone knows where they run', () => {
  const told = SERVICES.filter((family) => containerOf(family).Environment.some(({ Name }) => Name.startsWith('PERDURE_ECS_')));
  expect(told).toEqual(['diab-readmit-demo-worker-data-processing']);
});

test('every log group forgets after 90 days', () => {
  template.resourcePropertiesCountIs('AWS::Logs::LogGroup', { RetentionInDays: 90 }, 5);
  template.resourceCountIs('AWS::Logs::LogGroup', 5);
});

test('what AWS offers is reached within its own network, and S3 for these buckets only', () => {
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint')) as { Properties: { VpcEndpointType: string; ServiceName: unknown } }[];
  const services = endpoints.map(({ Properties }) => `${Properties.VpcEndpointType} ${/"\.([a-z0-9.]+)"/.exec(JSON.stringify(Properties.ServiceName))?.[1]}`);
  expect(services.sort()).toEqual(['Gateway s3', 'Interface ecr.api', 'Interface ecr.dkr', 'Interface ecs', 'Interface logs', 'Interface secretsmanager']);
  const gateway = endpoints.find(({ Properties }) => Properties.VpcEndpointType === 'Gateway') as unknown as { Properties: { PolicyDocument: { Statement: { Resource: unknown }[] } } };
  for (const { Resource } of gateway.Properties.PolicyDocument.Statement) expect([Resource].flat()).not.toContain('*');
});

describe('alarms', () => {
  test('go to one topic, and from there to people', () => {
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'operators@example.com' });
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')) as { Properties: { AlarmName: string; AlarmActions: unknown[] } }[];
    expect(alarms.every(({ Properties }) => Properties.AlarmActions.length === 1)).toBe(true);
    expect(alarms.map(({ Properties }) => Properties.AlarmName).sort()).toEqual(
      [
        ...['orchestrator', 'dataProcessing', 'modelTraining'].flatMap((worker) => ['gone', 'memory', 'cpu', 'errors'].map((what) => `diab-readmit-demo-${worker}-${what}`)),
        ...['datamart', 'predictions', 'monitoring', 'model-registry'].map((store) => `diab-readmit-demo-diab-readmit-prod-${store}-5xx`),
      ].sort(),
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
    template.hasResourceProperties('AWS::ECS::Cluster', { ClusterSettings: [{ Name: 'containerInsights', Value: 'enabled' }] });
  });

  test('tell of tasks that fail, and of deployments', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule')) as { Properties: { EventPattern: { 'detail-type': string[] } } }[];
    expect(rules.flatMap(({ Properties }) => Properties.EventPattern['detail-type']).sort()).toEqual([
      'ECS Deployment State Change',
      'ECS Task State Change',
      'ECS Task State Change',
    ]);
  });
});

test('a tag of an image never moves, and images are scanned', () => {
  images.hasResourceProperties('AWS::ECR::Repository', { RepositoryName: 'diab-readmit-demo', ImageTagMutability: 'IMMUTABLE', ImageScanningConfiguration: { ScanOnPush: true } });
});

test('wrong settings are refused with every fault at once', () => {
  expect(() => readSettings({ ...SETTINGS, name: 'Not A Name', email: undefined, temporal: { address: 'nowhere', namespace: 'n' } })).toThrow(
    expect.objectContaining({ type: 'ConfigInvalid', message: expect.stringMatching(/^"perdure" of cdk\.json has 3 fault.*\n {2}name: .*\n {2}temporal\.address: host:port\n {2}email: .*$/) }),
  );
});
