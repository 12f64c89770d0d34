import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { Repository, TagMutability, TagStatus } from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import type { Settings } from './settings.js';

/** Where images are pushed; a stack of its own, as it must be there before the first worker starts. */
export class ImagesStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, props);
    new Repository(this, 'Images', {
      repositoryName: settings.name,
      // A tag that could move would change what runs without a deployment.
      imageTagMutability: TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        { description: 'what was never tagged', tagStatus: TagStatus.UNTAGGED, maxImageAge: Duration.days(14) },
      ],
    });
  }
}
