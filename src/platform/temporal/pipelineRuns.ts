import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../contracts/index.js';
import { isUnknownAttribute } from './searchAttributes.js';

/**
 * The pipeline that a run has said it belongs to: by its search attribute, or by its memo where the namespace lacked
 * that. `undefined` of a run that no worker has taken yet.
 */
export function toldPipeline({
  searchAttributes,
  memo,
}: Pick<WorkflowExecutionInfo, 'searchAttributes' | 'memo'>): string | undefined {
  const [attribute] = (searchAttributes[SEARCH_ATTRIBUTES.pipeline] ?? []) as string[];
  const kept = memo?.[SEARCH_ATTRIBUTES.pipeline];
  return attribute ?? (typeof kept === 'string' ? kept : undefined);
}

/**
 * The runs of a pipeline, newest first, also in a namespace that lacks the search attribute, or lacked it when they
 * began: Temporal then lists the runs of all pipelines, of which the pipeline's own are kept.
 *
 * @param condition of Temporal's list filter, besides; it should name workflow types, as others may use the namespace
 * @param isOwn tells runs that have not said whose they are; by default they are nobody's
 */
export async function* runsOfPipeline(
  client: Client,
  pipeline: string,
  condition: string,
  isOwn: (run: WorkflowExecutionInfo) => boolean = () => false,
): AsyncIterable<WorkflowExecutionInfo> {
  const name = SEARCH_ATTRIBUTES.pipeline;
  for await (const run of listed(
    client,
    name,
    `(${name} = "${pipeline}" OR ${name} IS NULL) AND ${condition}`,
    condition,
  )) {
    const told = toldPipeline(run);
    if (told === undefined ? isOwn(run) : told === pipeline) yield run;
  }
}

/** What a query lists, or another where the namespace lacks the attribute that the first one names. */
async function* listed(
  client: Client,
  attribute: string,
  query: string,
  without: string,
): AsyncIterable<WorkflowExecutionInfo> {
  try {
    yield* client.workflow.list({ query });
  } catch (error) {
    // Refused as a whole, before anything was listed.
    if (!isUnknownAttribute(error, attribute)) throw error;
    yield* client.workflow.list({ query: without });
  }
}
