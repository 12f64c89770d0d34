import { Stack } from 'aws-cdk-lib';
import {
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

/** Private subnets for the workers, a way out to Temporal and the alert channels, and endpoints for the rest. */
export class Network extends Construct {
  readonly vpc: Vpc;
  readonly subnets: SubnetSelection = { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
  /** Nobody calls a worker: it has no way in. */
  readonly workers: SecurityGroup;

  constructor(scope: Construct, id: string, { settings, buckets }: { settings: Settings; buckets: Bucket[] }) {
    super(scope, id);
    this.vpc = new Vpc(this, 'Vpc', {
      vpcName: settings.name,
      maxAzs: 2,
      natGateways: 1,
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'workers', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
      ],
    });
    this.workers = new SecurityGroup(this, 'Workers', {
      vpc: this.vpc,
      description: 'Perdure workers and tasks',
      allowAllOutbound: false,
    });
    const [, temporalPort] = settings.temporal.address.split(':');
    const ports = [HTTPS, Number(temporalPort), ...(settings.secrets.PERDURE_SMTP_URL ? SMTP_PORTS : [])];
    for (const port of new Set(ports)) this.workers.addEgressRule(Peer.anyIpv4(), Port.tcp(port));

    this.addS3Endpoint(buckets);
    for (const [name, service] of Object.entries(ENDPOINTS)) this.vpc.addInterfaceEndpoint(name, { service, subnets: this.subnets });
  }

  /** Leads to the pipelines' buckets and to the layers of images: data has no way to a bucket of somebody else. */
  private addS3Endpoint(buckets: Bucket[]): void {
    const endpoint = this.vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3, subnets: [this.subnets] });
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
