import { Match } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Template } from 'aws-cdk-lib/assertions';
import { synthesize } from './template.js';

let template: Template;

beforeAll(async () => {
  template = (await synthesize()).perdure;
});

describe('task definitions', () => {
  test.each([
    ['diab-readmit-demo-pipeline', '1024', '2048'],
    ['diab-readmit-demo-model-training', '2048', '4096'],
  ])('%s has the size of the documents', (family, cpu, memory) => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', { Family: family, Cpu: cpu, Memory: memory, RequiresCompatibilities: ['FARGATE'] });
  });

  test('write nothing but their scratch volume', () => {
    const definitions = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
    expect(definitions).toHaveLength(5);
    template.resourcePropertiesCountIs('AWS::ECS::TaskDefinition', Match.objectLike({
      ContainerDefinitions: [Match.objectLike({ ReadonlyRootFilesystem: true, MountPoints: [{ ContainerPath: '/scratch', ReadOnly: false, SourceVolume: 'scratch' }] })],
    }), 5);
  });
});
