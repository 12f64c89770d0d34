import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogMaxAggregationInterval,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Settings } from './settings.js';

const HTTPS = 443;
const SMTP_PORTS = [465, 587];

/** What workers call by name within AWS; on its own network, not by way of the internet. */
const ENDPOINTS = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrImages: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Secrets: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Ecs: InterfaceVpcEndpointAwsService.ECS,
};

/** Private subnets for the workers, a way out to Temporal, the alert channels and Redis, and endpoints for the rest. */
export class Network extends Construct {
  readonly vpc: Vpc;
  readonly subnets: SubnetSelection = { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
  /** For tasks: without a route to the internet. */
  readonly taskSubnets: SubnetSelection = { subnetType: SubnetType.PRIVATE_ISOLATED };
  /** Nobody calls a worker: it has no way in. */
  readonly workers: SecurityGroup;
  /** Nor a task, which reaches AWS's own services alone: the subnets have no other way out. */
  readonly tasks: SecurityGroup;

  constructor(scope: Construct, id: string, { settings, buckets }: { settings: Settings; buckets: Bucket[] }) {
    super(scope, id);
    this.vpc = new Vpc(this, 'Vpc', {
      vpcName: settings.name,
      maxAzs: 2,
      natGateways: 1,
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'workers', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
        { name: 'tasks', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 },
      ],
      // What is started without a security group of its own reaches nobody, and nobody reaches it.
      restrictDefaultSecurityGroup: true,
    });
    if (settings.accessLogs) this.logFlows(settings);
    this.workers = new SecurityGroup(this, 'Workers', {
      vpc: this.vpc,
      description: 'Perdure workers',
      allowAllOutbound: false,
    });
    const [, temporalPort] = settings.temporal.address.split(':');
    const { PERDURE_SMTP_URL, REDIS_URL } = settings.secrets;
    const ports = [
      HTTPS,
      Number(temporalPort),
      ...(PERDURE_SMTP_URL ? SMTP_PORTS : []),
      ...(REDIS_URL ? [settings.redisPort] : []),
    ];
    for (const port of new Set(ports)) this.workers.addEgressRule(Peer.anyIpv4(), Port.tcp(port));

    this.tasks = new SecurityGroup(this, 'Tasks', {
      vpc: this.vpc,
      description: 'Perdure tasks',
      allowAllOutbound: false,
    });
    this.tasks.addEgressRule(Peer.ipv4(this.vpc.vpcCidrBlock), Port.tcp(HTTPS), 'endpoints of AWS in this network');
    const s3 = settings.s3PrefixList ? Peer.prefixList(settings.s3PrefixList) : Peer.anyIpv4();
    this.tasks.addEgressRule(s3, Port.tcp(HTTPS), 'S3 by its gateway, the one route out of their subnets');

    this.addS3Endpoint(buckets);
    for (const [name, service] of Object.entries(ENDPOINTS))
      this.vpc.addInterfaceEndpoint(name, { service, subnets: this.subnets });
  }

  /** Which connections were made, and which were refused. */
  private logFlows({ name, logDays }: Settings): void {
    const logs = new LogGroup(this, 'FlowLogs', {
      logGroupName: `/perdure/${name}-flows`,
      retention: logDays,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.vpc.addFlowLog('Flows', {
      destination: FlowLogDestination.toCloudWatchLogs(logs),
      maxAggregationInterval: FlowLogMaxAggregationInterval.TEN_MINUTES,
    });
  }

  /** Leads to the pipelines' buckets and to the layers of images: data has no way to a bucket of somebody else. */
  private addS3Endpoint(buckets: Bucket[]): void {
    const endpoint = this.vpc.addGatewayEndpoint('S3', {
      service: GatewayVpcEndpointAwsService.S3,
      subnets: [this.subnets, this.taskSubnets],
    });
    const { region, partition } = Stack.of(this);
    endpoint.addToPolicy(
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:ListBucket'],
        resources: buckets.flatMap((bucket) => [bucket.bucketArn, bucket.arnForObjects('*')]),
      }),
    );
    endpoint.addToPolicy(
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject'],
        resources: [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`],
      }),
    );
  }
}
