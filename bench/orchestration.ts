import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { connectClient } from '../src/platform/temporal/connection.js';
import { connectWorker } from '../src/platform/temporal/workerConnection.js';
import { startEmbeddedServer } from '../src/platform/temporal/embeddedServer.js';
import { idleWorkflow, idleWorkflowAtOnce } from './idleWorkflow.js';
import type { Section } from './section.js';

const ACTIVITIES = 200;
const TASK_QUEUE = 'bench';

/** What an activity costs when it does nothing: the embedded server with its database file, one worker. */
export const orchestration: Section = {
  title: `Orchestration: ${ACTIVITIES} activities that do nothing`,
  async run(_pipeline, folder) {
    const server = await startEmbeddedServer(folder);
    try {
      const client = await connectClient(server.target);
      const connection = await connectWorker(server.target);
      const worker = await Worker.create({
        connection,
        namespace: server.target.namespace,
        taskQueue: TASK_QUEUE,
        workflowsPath: fileURLToPath(new URL('./idleWorkflow.js', import.meta.url)),
        activities: { nothing: () => Promise.resolve() },
      });
      const lines = await worker.runUntil(async () => {
        const measured: string[] = [];
        for (const [how, workflow] of [
          ['one after another', idleWorkflow],
          ['all at once', idleWorkflowAtOnce],
        ] as const) {
          const started = performance.now();
          await client.workflow.execute(workflow, {
            args: [ACTIVITIES],
            taskQueue: TASK_QUEUE,
            workflowId: join('idle', how),
          });
          const milliseconds = (performance.now() - started) / ACTIVITIES;
          measured.push(`${how.padEnd(20)} ${milliseconds.toFixed(1)} ms an activity`);
        }
        return measured;
      });
      await connection.close();
      await client.connection.close();
      return lines;
    } finally {
      await server.stop();
    }
  },
};
