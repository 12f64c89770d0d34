import * as wf from '@temporalio/workflow';

interface PayloadActivities {
  echo(value: unknown): Promise<unknown>;
  makeRows(kibibytes: number): Promise<{ rows: string }>;
}

export type Place =
  'activity input' | 'activity result' | 'local activity input' | 'child input' | 'signal' | 'continued' | 'result';

const rowsOf = (kibibytes: number) => ({ rows: 'x'.repeat(kibibytes * 1024) });
const activity = { startToCloseTimeout: '10 seconds', retry: { maximumAttempts: 3 } } as const;

/** Sends so much through Temporal at the place that the caller names. */
export async function sendRows(place: Place, kibibytes: number): Promise<unknown> {
  const { echo, makeRows } = wf.proxyActivities<PayloadActivities>(activity);
  switch (place) {
    case 'activity input':
      return void (await echo(rowsOf(kibibytes)));
    case 'activity result':
      return void (await makeRows(kibibytes));
    case 'local activity input':
      return void (await wf.proxyLocalActivities<PayloadActivities>(activity).echo(rowsOf(kibibytes)));
    case 'child input':
      return void (await wf.executeChild(answerRows, { args: [rowsOf(kibibytes)] }));
    case 'signal':
      return wf.getExternalWorkflowHandle('nobody').signal('rows', rowsOf(kibibytes));
    case 'continued':
      return wf.continueAsNew<typeof answerRows>(rowsOf(kibibytes));
    case 'result':
      return rowsOf(kibibytes);
  }
}

/** Answers query and update `rows` with so much, until it is told `done`. */
export async function answerRows(given: unknown): Promise<void> {
  let done = given === 'done';
  wf.setHandler(wf.defineQuery<unknown, [number]>('rows'), rowsOf);
  wf.setHandler(wf.defineUpdate<unknown, [number]>('rows'), rowsOf);
  wf.setHandler(wf.defineSignal('done'), () => {
    done = true;
  });
  await wf.condition(() => done);
}

/** What it is given, by way of an activity and back. */
export async function passOn(value: unknown): Promise<unknown> {
  return wf.proxyActivities<PayloadActivities>(activity).echo(value);
}
