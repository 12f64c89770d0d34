import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptorsFactory, WorkerOptions } from '@temporalio/worker';
import { variables, type Variables } from '../../environment.js';

/** What clients and workers of this process need for one trace a run, from whoever starts it to its activities. */
export interface Tracing {
  client: WorkflowClientInterceptor;
  activity: ActivityInterceptorsFactory;
  /** Where the spans of workflows come out; they are made in the bundle that is for tracing. */
  sinks: WorkerOptions['sinks'];
  /** Sends what is not sent yet. */
  stop(): Promise<void>;
}

let started: Promise<Tracing> | undefined;

/** Whether OpenTelemetry's standard variables name an endpoint for traces. */
export function isTraced(env: Variables = variables()): boolean {
  const {
    OTEL_EXPORTER_OTLP_ENDPOINT: all,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces,
    OTEL_SDK_DISABLED: disabled,
  } = env;
  return Boolean(all || traces) && disabled?.toLowerCase() !== 'true';
}

/**
 * This process's tracing, started when it is first asked for; `undefined` where no endpoint is set, and then nothing
 * of OpenTelemetry is even loaded. Its other standard variables (headers, timeouts, sampler, resource attributes) count
 * as well.
 *
 * @param service name of this process where `OTEL_SERVICE_NAME` gives none
 */
export async function tracing(service = 'perdure'): Promise<Tracing | undefined> {
  return isTraced() ? (started ??= start(service)) : undefined;
}

/** Ends this process's tracing, if it was started. */
export async function stopTracing(): Promise<void> {
  await (await started)?.stop();
}

async function start(service: string): Promise<Tracing> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { Resource, detectResourcesSync, envDetectorSync } = await import('@opentelemetry/resources');
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { default: interceptors } = await import('@temporalio/interceptors-opentelemetry');

  const resource = new Resource({ 'service.name': service }).merge(
    detectResourcesSync({ detectors: [envDetectorSync] }),
  );
  const processor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  provider.register({ contextManager: new AsyncLocalStorageContextManager() });
  const client = new interceptors.OpenTelemetryWorkflowClientInterceptor();
  return {
    // Queries and looks at a run are made every second while somebody waits, and tell no story.
    client: {
      startWithDetails: (input, next) => client.startWithDetails(input, next),
      signal: (input, next) => client.signal(input, next),
      signalWithStart: (input, next) => client.signalWithStart(input, next),
      startUpdate: (input, next) => client.startUpdate(input, next),
    },
    activity: (context) => ({
      inbound: new interceptors.OpenTelemetryActivityInboundInterceptor(context),
      outbound: new interceptors.OpenTelemetryActivityOutboundInterceptor(context),
    }),
    sinks: { exporter: interceptors.makeWorkflowExporter(processor, resource) },
    stop: () => provider.shutdown(),
  };
}
