import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { packageFolder } from '../../src/package.js';

const FOLDER = join(packageFolder(), 'deploy');

test('cdk.json as it stands makes the two stacks, with neither network nor account', async () => {
  const output = await mkdtemp(join(tmpdir(), 'perdure-cdk-'));
  onTestFinished(() => rm(output, { recursive: true }));
  const { app, context } = JSON.parse(await readFile(join(FOLDER, 'cdk.json'), 'utf8')) as {
    app: string;
    context: object;
  };
  expect(app).toBe('npx tsx app.ts');
  // As the CDK's command line calls an app.
  await promisify(execFile)(process.execPath, [join(FOLDER, 'node_modules', 'tsx', 'dist', 'cli.mjs'), 'app.ts'], {
    cwd: FOLDER,
    env: {
      PATH: process.env.PATH,
      CDK_OUTDIR: output,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, imageTag: '0123abc' }),
    },
  });
  const templates = (await readdir(output)).filter((name) => name.endsWith('.template.json')).sort();
  expect(templates).toEqual(['diab-readmit-demo-images.template.json', 'diab-readmit-demo.template.json']);
  expect(await readFile(join(output, 'diab-readmit-demo.template.json'), 'utf8')).toContain('0123abc');
});
