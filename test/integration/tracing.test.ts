import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { stopTracing } from '../../src/platform/observe/tracing.js';
import { receiveHttp } from '../support/receivers.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines, type TinyWorld } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

const collector = await receiveHttp({ status: 200, body: '{}' });
let world: TinyWorld;
beforeAll(async () => {
  world = await createTinyWorld(tinyEngines());
  await world.writeGold(MONTHS);
  world.configure((config) => (config.training_config.hyperparameter_tuning = false));
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  process.env.OTEL_BSP_SCHEDULE_DELAY = '200';
});
afterAll(async () => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  delete process.env.OTEL_BSP_SCHEDULE_DELAY;
  world?.close();
  await collector.close();
});

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  service: string;
  workflowId?: string;
}

interface Attribute {
  key: string;
  value: { stringValue?: string };
}

interface Export {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: (Span & { attributes: Attribute[] })[] }[];
  }[];
}

/** What arrived, as OTLP's JSON has it. */
function spans(): Span[] {
  const text = (attributes: Attribute[], ...keys: string[]) =>
    attributes.find(({ key }) => keys.includes(key))?.value.stringValue;
  return collector.received.flatMap(({ body }) =>
    (body as Export).resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map((span) => ({
          ...span,
          service: text(resource.attributes, 'service.name') ?? '',
          workflowId: text(span.attributes, 'workflowId', 'temporalWorkflowId'),
        })),
      ),
    ),
  );
}

test("a run is one trace: its start, its workflows and their activities, each with the workflow's id", async () => {
  const { client } = await startTestStack(undefined, world.storeRoot);
  const run = await startWorkflow(client, 'modelTraining', {
    pipeline: TINY,
    asOf: AFTER_ALL,
    algorithms: ['logistic_regression'],
  });
  await run.result();
  await stopTracing();
  const named = (name: string) => spans().find((span) => span.name === name);
  await until(
    () =>
      named('RunWorkflow:modelTraining') !== undefined &&
      named('StartWorkflow:modelTraining') !== undefined &&
      named('RunActivity:registerModel') !== undefined,
  );

  expect(collector.received[0]).toMatchObject({ path: '/v1/traces', contentType: 'application/json' });
  const parentOf = (name: string) => spans().find(({ spanId }) => spanId === named(name)?.parentSpanId)?.name;
  const path = [
    ['RunActivity:registerModel', 'StartActivity:registerModel'],
    ['StartActivity:registerModel', 'RunWorkflow:trainAlgorithm'],
    ['RunWorkflow:trainAlgorithm', 'StartChildWorkflow:trainAlgorithm'],
    ['StartChildWorkflow:trainAlgorithm', 'RunWorkflow:modelTraining'],
    ['RunWorkflow:modelTraining', 'StartWorkflow:modelTraining'],
  ] as const;
  expect(path.map(([name]) => [name, parentOf(name)])).toEqual(path);
  expect(new Set(path.map(([name]) => named(name)?.traceId)).size).toBe(1);

  const child = `${run.workflowId}-logistic_regression`;
  expect(path.map(([name]) => [named(name)?.service, named(name)?.workflowId])).toEqual([
    ['perdure-model-training', child],
    ['perdure-orchestrator', child],
    ['perdure-orchestrator', child],
    ['perdure-orchestrator', run.workflowId],
    ['perdure-orchestrator', run.workflowId],
  ]);
});
