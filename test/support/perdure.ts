import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { until } from './until.js';

/** What a call of the command line left behind. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A `perdure` process, as built in `dist/`. */
export interface PerdureProcess {
  process: ChildProcess;
  /** Waits for a line on stderr. */
  says(text: string): Promise<unknown>;
  /** Waits for its end. */
  outcome: Promise<Outcome>;
}

/**
 * Starts `perdure` in a folder, without the Temporal settings, the store or the pipelines of this process, and without
 * what the AWS SDK says about an old Node.js, which is not Perdure's.
 */
export function startPerdure(folder: string, args: string[], env: NodeJS.ProcessEnv = {}): PerdureProcess {
  const child = spawn(process.execPath, [join(packageFolder(), 'dist/src/cli/main.js'), ...args], {
    cwd: folder,
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  return {
    process: child,
    says: (text) => until(() => said.stderr.includes(text) || child.exitCode !== null),
    outcome: once(child, 'close').then(() => ({ code: child.exitCode, ...said })),
  };
}

export function perdure(folder: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return startPerdure(folder, args, env).outcome;
}

function plainEnvironment(): NodeJS.ProcessEnv {
  const isOurs = /^(TEMPORAL_|PERDURE_STORE$|PERDURE_CONF$|ENVIRONMENT$|ALGORITHM$)/;
  const kept = Object.entries(process.env).filter(([name]) => !isOurs.test(name));
  // No profile of this machine's Temporal configuration either.
  return {
    ...Object.fromEntries(kept),
    TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}
