import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Metric,
  TreatMissingData,
  type AlarmProps,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Cluster } from 'aws-cdk-lib/aws-ecs';
import { EventField, Rule, RuleTargetInput, type EventPattern } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { BUCKET_METRICS } from './buckets.js';
import type { Settings } from './settings.js';
import type { WorkerService } from './workers.js';

const FIVE_MINUTES = Duration.minutes(5);

/**
 * What an operator is told of by AWS itself; models and runs are Perdure's own alerts. All of it goes to one topic.
 */
export class Alarms extends Construct {
  readonly topic: Topic;
  readonly all: Alarm[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly options: { settings: Settings; cluster: Cluster; workers: WorkerService[]; buckets: Bucket[] },
  ) {
    super(scope, id);
    const { settings, workers, buckets } = options;
    this.topic = new Topic(this, 'Topic', { topicName: `${settings.name}-alarms`, enforceSSL: true });
    this.admit('cloudwatch.amazonaws.com', 'alarm');
    if (settings.alarmEmail) this.topic.addSubscription(new EmailSubscription(settings.alarmEmail));
    for (const worker of workers) this.watchWorker(worker);
    for (const bucket of buckets) this.watchBucket(bucket);
    this.watchCluster();
  }

  /** A service that may publish, for this account's own alarms alone: a topic with a policy takes from nobody else. */
  private admit(service: string, resource: string): void {
    const { account } = Stack.of(this);
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ['sns:Publish'],
        principals: [new ServicePrincipal(service)],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: {
            'aws:SourceArn': Stack.of(this).formatArn({
              service: service.split('.')[0]!,
              resource,
              resourceName: '*',
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
  }

  private watchWorker({ node, service, container, backlog }: WorkerService): void {
    const { clusterName } = this.options.cluster;
    this.alarm(`${node.id}-gone`, 'No task of the worker is running: its task queue stands still.', {
      metric: new Metric({
        namespace: 'ECS/ContainerInsights',
        metricName: 'RunningTaskCount',
        dimensionsMap: { ClusterName: clusterName, ServiceName: service.serviceName },
        statistic: 'Minimum',
        period: Duration.minutes(1),
      }),
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: 5,
      // A service without tasks says nothing.
      treatMissingData: TreatMissingData.BREACHING,
    });
    this.alarm(`${node.id}-memory`, 'The worker comes near its memory; ECS kills it at 100 %.', {
      metric: service.metricMemoryUtilization({ statistic: 'Maximum', period: FIVE_MINUTES }),
      threshold: 90,
      evaluationPeriods: 3,
    });
    this.alarm(
      `${node.id}-backlog`,
      'Work has waited for two hours, with as many tasks as the worker may have; give it a larger "max".',
      {
        metric: backlog.with({ statistic: 'Minimum', period: FIVE_MINUTES }),
        threshold: 1,
        evaluationPeriods: 24,
      },
    );
    const errors = new MetricFilter(this, `${node.id}-errors-counted`, {
      logGroup: container.logs,
      filterPattern: FilterPattern.stringValue('$.level', '=', 'ERROR'),
      metricNamespace: `Perdure/${this.options.settings.name}`,
      metricName: `${node.id}Errors`,
      defaultValue: 0,
    });
    this.alarm(`${node.id}-errors`, 'The worker logs errors; see its log group.', {
      metric: errors.metric({ statistic: 'Sum', period: FIVE_MINUTES }),
      threshold: 10,
      evaluationPeriods: 1,
    });
  }

  private watchBucket(bucket: Bucket): void {
    this.alarm(
      `${bucket.node.id}-5xx`,
      'S3 answers with errors of its own; the store retries, and gives up after some time.',
      {
        metric: new Metric({
          namespace: 'AWS/S3',
          metricName: '5xxErrors',
          dimensionsMap: { BucketName: bucket.bucketName, FilterId: BUCKET_METRICS },
          statistic: 'Sum',
          period: FIVE_MINUTES,
        }),
        threshold: 20,
        evaluationPeriods: 2,
      },
    );
  }

  /** What ECS tells of as events: containers that fail, tasks that find no room, deployments that are rolled back. */
  private watchCluster(): void {
    const clusterArn = [this.options.cluster.clusterArn];
    const stopped = { clusterArn, lastStatus: ['STOPPED'] };
    this.rule(
      'ContainerFailed',
      {
        detailType: ['ECS Task State Change'],
        detail: {
          ...stopped,
          stopCode: ['EssentialContainerExited'],
          containers: { exitCode: [{ 'anything-but': [0] }] },
        },
      },
      `A task of ${EventField.fromPath('$.detail.group')} failed: ${EventField.fromPath('$.detail.stoppedReason')}`,
    );
    this.rule(
      'TaskNotStarted',
      {
        detailType: ['ECS Task State Change'],
        detail: { ...stopped, stopCode: ['TaskFailedToStart'] },
      },
      `A task of ${EventField.fromPath('$.detail.group')} could not start: ${EventField.fromPath('$.detail.stoppedReason')}`,
    );
    this.rule(
      'DeploymentFailed',
      {
        detailType: ['ECS Deployment State Change'],
        detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
        resources: this.options.workers.map(({ service }) => service.serviceArn),
      },
      `A deployment failed and is rolled back: ${EventField.fromPath('$.detail.reason')}`,
    );
  }

  private rule(id: string, pattern: EventPattern, message: string): void {
    const rule = new Rule(this, id, { eventPattern: { source: ['aws.ecs'], ...pattern } });
    rule.addTarget(new SnsTopic(this.topic, { message: RuleTargetInput.fromText(message) }));
  }

  private alarm(
    id: string,
    description: string,
    props: Omit<AlarmProps, 'alarmName' | 'alarmDescription'> & { metric: IMetric },
  ): void {
    const alarm = new Alarm(this, id, {
      alarmName: `${this.options.settings.name}-${id}`,
      alarmDescription: description,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
    });
    this.all.push(alarm);
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }
}
