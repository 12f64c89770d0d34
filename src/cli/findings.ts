import { dirname, join } from 'node:path';
import type { Client } from '@temporalio/client';
import { environment, listPipelines, loadPipeline } from '../config/load.js';
import { idleInWords, settingsOf } from '../config/origins.js';
import { ownPackage, packageFolder } from '../package.js';
import { messageOf } from '../errors.js';
import { checkNodeVersion } from '../platform/setup/nodeVersion.js';
import type { Tool } from '../platform/setup/tool.js';
import { TOOLS } from '../platform/setup/tools.js';
import { configuredTarget, connectClient, type TemporalTarget } from '../platform/temporal/connection.js';
import { describeFailing, failingTasks } from '../platform/temporal/failingTasks.js';
import { EXIT } from './exitCodes.js';
import { describeFailure } from './failure.js';
import type { CommonOptions } from './options.js';
import { openHistory } from './session.js';
import { chosenStore } from './store.js';
import { isThere, requireStore } from './storeCheck.js';
import { countOf, print, printJson } from './terminal.js';

interface Finding {
  name: string;
  /** `optional` is not as it should be, but a run can do without. */
  status: 'ok' | 'missing' | 'optional';
  /** What was found, or what is wrong and what to do. */
  detail: string;
}

/** Looks at all that Perdure needs; sets the exit code where something is missing. */
export async function doctor(options: CommonOptions): Promise<void> {
  const findings = [
    checkNode(),
    await checkBuild(),
    ...(await Promise.all(TOOLS.map(checkTool))),
    ...(await checkConfig()),
    await checkStore(options),
    ...(await checkTemporal()),
  ];
  const ok = findings.every(({ status }) => status !== 'missing');
  if (options.json) printJson({ ok, findings });
  else
    print(
      [
        ...findings.map(describeFinding),
        '',
        ok ? 'All that is needed is there.' : 'Something needed is missing: correct what is marked ✖.',
      ].join('\n'),
    );
  if (!ok) process.exitCode = EXIT.failed;
}

const MARKS: Record<Finding['status'], string> = { ok: '✔', missing: '✖', optional: '-' };

function describeFinding({ name, status, detail }: Finding): string {
  return `${MARKS[status]} ${name.padEnd(24)} ${detail}`;
}

function checkNode(): Finding {
  return { name: 'Node.js', ...checkNodeVersion(process.versions.node, ownPackage().engines.node) };
}

async function checkBuild(): Promise<Finding> {
  const bundle = join(packageFolder(), 'dist', 'workflow-bundle.js');
  const isBuilt = await isThere(bundle);
  return {
    name: 'build',
    status: isBuilt ? 'ok' : 'missing',
    detail: isBuilt ? dirname(bundle) : `${bundle} is not there; run "npm run build"`,
  };
}

async function checkTool(tool: Tool): Promise<Finding> {
  const absent = tool.testsOnly ? 'optional' : 'missing';
  try {
    const found = await tool.find();
    if (found) return { name: tool.name, status: 'ok', detail: `${found.version}, ${found.path}` };
    const remedy = tool.testsOnly
      ? 'only the tests need it, "perdure setup --tests" fetches it'
      : `${tool.purpose} needs it; "perdure setup" fetches it`;
    return { name: tool.name, status: absent, detail: `not there; ${remedy}` };
  } catch (error) {
    return { name: tool.name, status: absent, detail: messageOf(error) };
  }
}

async function checkConfig(): Promise<Finding[]> {
  const names = await listPipelines();
  return Promise.all(names.map(checkPipeline));
}

async function checkPipeline(pipeline: string): Promise<Finding> {
  const name = `config of ${pipeline}`;
  try {
    const loaded = await loadPipeline(pipeline);
    const idle = idleInWords(settingsOf(loaded));
    return { name, status: 'ok', detail: [`valid for ${environment()}, ${loaded.folder}`, ...idle].join('; ') };
  } catch (error) {
    return { name, status: 'missing', detail: messageOf(error) };
  }
}

async function checkStore(options: CommonOptions): Promise<Finding> {
  const name = 'object store';
  try {
    const root = chosenStore(options);
    await requireStore(root, await listPipelines());
    return { name, status: 'ok', detail: root };
  } catch (error) {
    return { name, status: 'missing', detail: messageOf(error) };
  }
}

/** Opens what commands open: what is configured or runs, else the folder's own server, where a run was ever made here. */
async function checkTemporal(): Promise<Finding[]> {
  const name = 'Temporal';
  try {
    const configured = configuredTarget();
    if (configured) return await reach(configured);
    const history = await openHistory();
    if (!history)
      return [{ name, status: 'ok', detail: 'none configured or running: commands start an embedded server' }];
    try {
      const { count } = await history.client.workflow.count('ExecutionStatus = "Running"');
      const whose =
        history.servedBy === undefined
          ? 'none running: commands start an embedded server, which opens what is kept here'
          : `process ${history.servedBy} runs one here`;
      return [
        { name, status: 'ok', detail: `${whose}; ${countOf(count, 'run')} under way` },
        ...(await checkTasks(history.client)),
      ];
    } finally {
      await history.close();
    }
  } catch (error) {
    return [{ name, status: 'missing', detail: describeFailure(error).message }];
  }
}

async function reach(target: TemporalTarget): Promise<Finding[]> {
  const client = await connectClient(target);
  try {
    return [
      { name: 'Temporal', status: 'ok', detail: `${target.address}, as the environment says` },
      ...(await checkTasks(client)),
    ];
  } finally {
    await client.connection.close();
  }
}

/** Whether the workflows that are under way get on: Temporal lists those whose tasks fail as running. */
async function checkTasks(client: Client): Promise<Finding[]> {
  const name = 'workflow tasks';
  const failing = await failingTasks(client);
  if (failing.length === 0) return [{ name, status: 'ok', detail: 'no open workflow stands still' }];
  return failing.map((run) => ({ name, status: 'missing', detail: describeFailing(run) }));
}
