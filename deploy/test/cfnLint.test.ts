import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { messageOf } from '../../src/errors.js';
import { cfnLint } from '../../src/platform/setup/cfnLint.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { SETTINGS, synthesize } from './template.js';

interface Finding {
  Message: string;
  Rule: { Id: string };
  Location: { Path: (string | number)[] | null };
}

/** What cfn-lint finds wrong or doubtful in templates, for a region. */
async function findingsIn(templates: object[]): Promise<string[]> {
  const { path } = await requireTool(cfnLint);
  const folder = await mkdtemp(join(tmpdir(), 'perdure-cfn-lint-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const files = templates.map((_, i) => join(folder, `${i}.template.json`));
  await Promise.all(templates.map((template, i) => writeFile(files[i]!, JSON.stringify(template))));
  // W3005 is a dependency that is said twice, which does no harm; the provider of CDK's own custom resource has one.
  const args = ['--ignore-checks', 'W3005', '--format', 'json', '--regions', 'eu-west-1', '--', ...files];
  const output = await new Promise<string>((resolve) =>
    execFile(path, args, { maxBuffer: 16 << 20 }, (error, stdout, stderr) =>
      resolve(stdout || stderr || messageOf(error)),
    ),
  );
  const findings = JSON.parse(output) as Finding[];
  return findings.map(({ Rule, Message, Location }) => `${Rule.Id} ${Message} (${Location.Path?.join('/')})`);
}

test('cfn-lint finds nothing in what is deployed', async () => {
  const { perdure, images } = await synthesize();
  const smallest = await synthesize({ ...SETTINGS, secrets: {}, email: undefined, alarmEmail: undefined });
  expect(await findingsIn([perdure.toJSON(), images.toJSON(), smallest.perdure.toJSON()])).toEqual([]);
});

test('cfn-lint would find a mistake', async () => {
  const { perdure } = await synthesize();
  const template = perdure.toJSON() as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  const definitions = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::ECS::TaskDefinition');
  const [name, definition] = definitions[0]!;
  definition.Properties.Cpu = 'plenty';
  // That resource alone: what it refers to is found missing too.
  const findings = await findingsIn([{ Resources: { [name]: definition } }]);
  expect(findings).toContainEqual(expect.stringMatching(/^E\d+ .*plenty.*Cpu/));
});
