import { z } from 'zod';
import { ENVIRONMENTS } from '../src/config/load.js';
import { PerdureError } from '../src/errors.js';

/** Secrets that every worker needs to speak with Temporal. */
export const TEMPORAL_SECRETS = [
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS_CLIENT_CERT_DATA',
  'TEMPORAL_TLS_CLIENT_KEY_DATA',
  'PERDURE_ENCRYPTION_KEY',
] as const;

/** Secrets of the channels, for the worker that sends alerts. */
export const ALERT_SECRETS = [
  'PERDURE_PAGERDUTY_ROUTING_KEY',
  'PERDURE_SLACK_WEBHOOK_URL',
  'PERDURE_SMTP_URL',
] as const;

/** The address and credentials of an MLflow server, for the worker that writes to it. */
export const TRACKING_SECRETS = [
  'MLFLOW_TRACKING_URI',
  'MLFLOW_TRACKING_TOKEN',
  'MLFLOW_TRACKING_USERNAME',
  'MLFLOW_TRACKING_PASSWORD',
] as const;

/** The Redis of features for lookup by key, for the worker that writes them. */
export const FEATURE_SECRETS = ['REDIS_URL'] as const;

const secretName = z.string().regex(/^[A-Za-z0-9/_+=.@-]+$/, 'the name of a secret in Secrets Manager');

/** How many tasks a service may run. */
const scale = (min: number, max: number) =>
  z
    .strictObject({ min: z.int().min(1).default(min), max: z.int().min(1).default(max) })
    .refine((range) => range.min <= range.max, 'expected min to be at most max')
    .prefault({});

const DeploymentSettings = z.strictObject({
  /** Beginning of the names of cluster, task definitions and services. */
  name: z.string().regex(/^[a-z][a-z0-9-]{1,39}$/, 'up to 40 lower-case letters, digits and "-"'),
  /** Which `model_config.<environment>.json` counts; its bucket names are used. */
  environment: z.enum(ENVIRONMENTS),
  /** Where the pipelines' configuration is read from at the start of each run, instead of from the image: `conf/` of a datamart bucket. */
  conf: z
    .string()
    .regex(/^s3:\/\/[a-z0-9.-]+\/conf$/, 's3://<datamart bucket>/conf')
    .optional(),
  temporal: z.strictObject({
    address: z.string().regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, 'host:port'),
    namespace: z.string().min(1),
  }),
  /** Name in Secrets Manager an environment variable; the variables that aren't named stay unset. */
  secrets: z
    .partialRecord(z.enum([...TEMPORAL_SECRETS, ...ALERT_SECRETS, ...TRACKING_SECRETS, ...FEATURE_SECRETS]), secretName)
    .default({}),
  /** Port of the address in REDIS_URL, to which workers may connect where that is set. */
  redisPort: z.int().min(1).max(65_535).default(6_379),
  email: z.strictObject({ from: z.email(), to: z.array(z.email()).min(1) }).optional(),
  /** Who hears of CloudWatch alarms. */
  alarmEmail: z.email().optional(),
  /** What a month may cost in USD, all that is tagged `application: perdure`, and who hears when it will be more. */
  budget: z.strictObject({ usd: z.number().positive(), email: z.email() }).optional(),
  /** Who reached what: VPC flow logs, and S3's access logs in a bucket of their own, for as long as logs are kept. */
  accessLogs: z.boolean().default(true),
  /** `pl-...`, the region's prefix list of S3 (`aws ec2 describe-managed-prefix-lists`): then the tasks' security group names nothing else. */
  s3PrefixList: z
    .string()
    .regex(/^pl-[0-9a-f]+$/, 'the id of a prefix list, pl-...')
    .optional(),
  /** Copies every object to the bucket of the same name and this suffix, encrypted with this key: in another region, made beforehand, versioned. */
  replication: z
    .strictObject({
      bucketSuffix: z.string().regex(/^-[a-z0-9-]{1,20}$/, 'such as -copy'),
      keyArn: z.string().regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, 'the ARN of a KMS key'),
    })
    .optional(),
  /** Makes the image's tag the workers' build id; docs/operations.md says what goes with it. */
  workerVersions: z.boolean().default(false),
  workers: z
    .strictObject({ orchestrator: scale(2, 4), dataProcessing: scale(1, 4), modelTraining: scale(1, 6) })
    .prefault({}),
  /** Days after which preprocessed training data goes; every training makes its own. */
  preprocessedDays: z.int().min(1).default(90),
  /** Days for which overwritten and deleted objects can be had back. */
  previousVersionDays: z.int().min(1).default(30),
  /** Days for which logs are kept, as CloudWatch offers them. */
  logDays: z.literal([7, 14, 30, 60, 90, 180, 365]).default(90),
});

/** Every field of `perdure` in cdk.json. */
export const SETTING_NAMES = Object.keys(DeploymentSettings.shape);

const Settings = DeploymentSettings.extend({
  /** Tag of the image to run, e.g. the commit it was built from. */
  imageTag: z
    .string({ error: 'name the image to run by --context imageTag=, such as the commit it was built from' })
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'a tag of an image')
    .refine((tag) => tag !== 'latest', 'a tag that names one image for good, such as the commit it was built from'),
}).superRefine(({ secrets, email }, context) => {
  if (secrets.PERDURE_SMTP_URL && !email) {
    context.addIssue({
      code: 'custom',
      path: ['email'],
      message: 'expected "from" and "to", as PERDURE_SMTP_URL is set',
    });
  }
});
export type Settings = z.infer<typeof Settings>;
export type SettingsInput = z.input<typeof Settings>;

/**
 * Checks what cdk.json, or `--context`, says.
 * @throws PerdureError `ConfigInvalid` with every fault at once
 */
export function readSettings(context: unknown): Settings {
  const parsed = Settings.safeParse(context);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `  ${issue.path.map(String).join('.') || '(top level)'}: ${issue.message}`,
  );
  throw new PerdureError(
    'ConfigInvalid',
    `"perdure" of cdk.json has ${faults.length} fault(s); correct and run again:\n${faults.join('\n')}`,
  );
}
