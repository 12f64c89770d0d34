import { join } from 'node:path';
import type { FoundTool } from '../../src/platform/setup/tool.js';
import { runCommand } from '../../src/platform/programs/command.js';
import { freePort } from '../../src/platform/temporal/processes.js';
import { packageFolder } from '../../src/package.js';
import { startServer } from './serverProcess.js';
import { until } from './until.js';

/**
 * What of the Python packages a test asks of nobody: neither news nor usage. Nor the server's background jobs: their
 * processes outlive it, and where they can't run they are started again every second.
 */
const QUIET = {
  MLFLOW_DISABLE_TELEMETRY: 'true',
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  PYTHONWARNINGS: 'ignore',
  GIT_PYTHON_REFRESH: 'quiet',
};

/** An MLflow server whose SQLite database and artifacts lie in a folder; it may be stopped and started again. */
export interface MlflowServer {
  url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startMlflow({ path }: FoundTool, folder: string): Promise<MlflowServer> {
  const port = await freePort();
  const args = ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'];
  const storage = [
    '--backend-store-uri',
    `sqlite:///${join(folder, 'mlflow.db')}`,
    '--artifacts-destination',
    join(folder, 'artifacts'),
  ];
  let stop: (() => Promise<void>) | undefined;
  const server: MlflowServer = {
    url: `http://127.0.0.1:${port}`,
    async start() {
      const log = join(folder, 'mlflow.log');
      stop = await startServer(path, [...args, ...storage], {
        address: `127.0.0.1:${port}`,
        log,
        env: { ...process.env, ...QUIET },
      });
      // It listens before it is ready, and gets much of itself ready with the first request.
      const first = `${server.url}/api/2.0/mlflow/experiments/search?max_results=1`;
      await until(() =>
        fetch(first).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
    },
    async stop() {
      await stop?.();
      stop = undefined;
    },
  };
  await server.start();
  return server;
}

/** What `test/support/mlflow_client.py` finds, by MLflow's own client. */
export async function askMlflow<Answer>({ path }: FoundTool, asked: object): Promise<Answer> {
  const script = join(packageFolder(), 'test', 'support', 'mlflow_client.py');
  const { ok, stdout, complaint } = await runCommand(path, [script, JSON.stringify(asked)], {
    timeout: 300_000,
    env: QUIET,
  });
  if (!ok) throw new Error(complaint);
  return JSON.parse(stdout) as Answer;
}
