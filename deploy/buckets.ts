import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership, type LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Pipeline } from '../src/config/load.js';
import type { Stores } from '../src/storage/objectStore.js';
import { TASK_DOCUMENTS } from './access.js';
import type { Settings } from './settings.js';

/** Every dataset of `src/stages/preprocess.ts`, and not the pointer beside them. */
const DATASETS = 'gold/preprocessed/train_data_';

/** Far longer than a run that may still ask for a task's result. */
const TASK_DAYS = 30;

/** Metrics of a whole bucket, 5xx answers among them. */
export const BUCKET_METRICS = 'EntireBucket';

/** The buckets that pipelines' configs name; two pipelines may share one. They outlive the stack. */
export class Buckets extends Construct {
  private readonly made = new Map<string, Bucket>();

  constructor(
    scope: Construct,
    id: string,
    private readonly options: { pipelines: Pipeline[]; key: IKey; settings: Settings },
  ) {
    super(scope, id);
    for (const { config } of options.pipelines) this.make(config.storage.datamart_bucket, this.datamartRules());
    for (const pipeline of options.pipelines) Object.values(namesOf(pipeline)).forEach((name) => this.make(name));
  }

  get all(): Bucket[] {
    return [...this.made.values()];
  }

  of(pipeline: Pipeline, store: keyof Stores): Bucket {
    return this.made.get(namesOf(pipeline)[store])!;
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
    this.made.set(bucketName, bucket);
  }

  private datamartRules(): LifecycleRule[] {
    return [
      { id: 'old-preprocessed-data', prefix: DATASETS, expiration: Duration.days(this.options.settings.preprocessedDays) },
      { id: 'documents-of-tasks', prefix: TASK_DOCUMENTS.replace('*', ''), expiration: Duration.days(TASK_DAYS) },
    ];
  }
}

function namesOf({ config }: Pipeline): Record<keyof Stores, string> {
  return {
    datamart: config.storage.datamart_bucket,
    modelRegistry: config.model_config.model_registry_bucket,
    predictions: config.storage.predictions_bucket,
    monitoring: config.storage.monitoring_bucket,
  };
}
