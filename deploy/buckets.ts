import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key, type IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectOwnership,
  type BucketProps,
  type LifecycleRule,
} from 'aws-cdk-lib/aws-s3';
import { S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import type { Pipeline } from '../src/config/load.js';
import type { Stores } from '../src/platform/storage/objectStore.js';
import { TASK_DOCUMENTS } from './access.js';
import type { Settings } from './settings.js';

/** Every dataset of `src/stages/preprocess.ts`, and not the pointer beside them. */
const DATASETS = 'gold/preprocessed/train_data_';

/** Far longer than a run that may still ask for a task's result. */
const TASK_DAYS = 30;

/** Metrics of a whole bucket, 5xx answers among them. */
export const BUCKET_METRICS = 'EntireBucket';

/** The buckets that pipelines' configs name. They outlive the stack. */
export class Buckets extends Construct {
  private readonly made = new Map<string, Bucket>();
  private logs: Bucket | undefined;
  private copying: Role | undefined;

  constructor(
    scope: Construct,
    id: string,
    private readonly options: { pipelines: Pipeline[]; key: IKey; settings: Settings },
  ) {
    super(scope, id);
    // Access logs are let in by a bucket policy, as no bucket has lists of access of its own.
    this.node.setContext(S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY, true);
    for (const { config } of options.pipelines) this.make(config.storage.datamart_bucket, this.datamartRules());
    for (const pipeline of options.pipelines) Object.values(bucketsOf(pipeline)).forEach((name) => this.make(name));
  }

  get all(): Bucket[] {
    return [...this.made.values()];
  }

  of(pipeline: Pipeline, store: keyof Stores): Bucket {
    return this.made.get(bucketsOf(pipeline)[store])!;
  }

  /** Where S3 writes who asked for which object; made once it is needed. */
  private accessLogs(): Bucket | undefined {
    const { settings } = this.options;
    if (!settings.accessLogs) return undefined;
    return (this.logs ??= new Bucket(this, 'AccessLogs', {
      // S3's own log delivery takes no key of KMS.
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [{ id: 'old-logs', expiration: Duration.days(settings.logDays) }],
    }));
  }

  /** Copies what is written to a bucket in another region, with one role for all buckets: CDK's own has a fixed name. */
  private replication(bucketName: string): Pick<BucketProps, 'replicationRules' | 'replicationRole'> {
    const { replication } = this.options.settings;
    if (!replication) return {};
    const destination = Bucket.fromBucketName(this, `${bucketName}-copy`, `${bucketName}${replication.bucketSuffix}`);
    const kmsKey = Key.fromKeyArn(this, `${bucketName}-copy-key`, replication.keyArn);
    this.copying ??= new Role(this, 'Replication', { assumedBy: new ServicePrincipal('s3.amazonaws.com') });
    return {
      replicationRole: this.copying,
      replicationRules: [
        { destination, kmsKey, sseKmsEncryptedObjects: true, deleteMarkerReplication: true, priority: 1 },
      ],
    };
  }

  private grantReplication(bucket: Bucket, bucketName: string): void {
    const {
      key,
      settings: { replication },
    } = this.options;
    if (!this.copying || !replication) return;
    const destination = Bucket.fromBucketName(
      this,
      `${bucketName}-granted`,
      `${bucketName}${replication.bucketSuffix}`,
    );
    const encryptionKey = Key.fromKeyArn(this, `${bucketName}-granted-key`, replication.keyArn);
    bucket.grantReplicationPermission(this.copying, {
      sourceDecryptionKey: key,
      destinations: [{ bucket: destination, encryptionKey }],
    });
  }

  private make(bucketName: string, rules: LifecycleRule[] = []): void {
    if (this.made.has(bucketName)) return;
    const { key, settings } = this.options;
    const bucket = new Bucket(this, bucketName, {
      bucketName,
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      bucketKeyEnabled: true,
      versioned: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      metrics: [{ id: BUCKET_METRICS }],
      serverAccessLogsBucket: this.accessLogs(),
      serverAccessLogsPrefix: settings.accessLogs ? `${bucketName}/` : undefined,
      ...this.replication(bucketName),
      // What a first deployment that failed made goes with it, so that the next try can make it again.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        {
          id: 'previous-versions',
          noncurrentVersionExpiration: Duration.days(settings.previousVersionDays),
          expiredObjectDeleteMarker: true,
        },
        // What a killed worker left of an upload; nobody sees it, and it costs.
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        ...rules,
      ],
    });
    this.grantReplication(bucket, bucketName);
    this.made.set(bucketName, bucket);
  }

  private datamartRules(): LifecycleRule[] {
    return [
      {
        id: 'old-preprocessed-data',
        prefix: DATASETS,
        expiration: Duration.days(this.options.settings.preprocessedDays),
      },
      { id: 'documents-of-tasks', prefix: TASK_DOCUMENTS.replace('*', ''), expiration: Duration.days(TASK_DAYS) },
    ];
  }
}

/** Name of each bucket of a pipeline, by its purpose. */
export function bucketsOf({ config }: Pipeline): Record<keyof Stores, string> {
  return {
    datamart: config.storage.datamart_bucket,
    modelRegistry: config.model_config.model_registry_bucket,
    predictions: config.storage.predictions_bucket,
    monitoring: config.storage.monitoring_bucket,
  };
}
