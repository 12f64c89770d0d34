#!/usr/bin/env node
import { CommanderError } from '@commander-js/extra-typings';
import { listPipelines } from '../config/load.js';
import { unsetEmpty, variables } from '../environment.js';
import { systemCode } from '../errors.js';
import { stopTracing } from '../platform/observe/tracing.js';
import { EXIT } from './exitCodes.js';
import { Interrupted, interrupted } from './interruption.js';
import { endOnUnawaited } from './lastResort.js';
import { createProgram } from './program.js';
import { printJson, say } from './terminal.js';

unsetEmpty();
// Who reads no longer misses nothing: a run goes on to its end, and other commands end at once anyway.
for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosed);
endOnUnawaited((error) => fail(error, process.argv.includes('--json')));

try {
  // Only for the help: what can't be looked up is told by the command that needs it.
  await createProgram(await listPipelines().catch(() => [])).parseAsync(process.argv);
} catch (error) {
  process.exitCode = await fail(error, process.argv.includes('--json'));
} finally {
  await stopTracing();
}

async function fail(error: unknown, json: boolean): Promise<number> {
  if (error instanceof CommanderError) {
    // Commander has told the person already, whether by help or by an error.
    if (error.exitCode === 0) return EXIT.ok;
    if (json) printJson({ error: { type: 'Usage', message: error.message.replace(/^error: /, '') } });
    return EXIT.usage;
  }
  const { describeFailure } = await import('./failure.js');
  const failure = describeFailure(error);
  say(`perdure: ${failure.message}`);
  if (json) printJson({ error: failure });
  if (variables().PERDURE_DEBUG) say(error instanceof Error && error.stack ? error.stack : String(error));
  // Whatever fails because a command was told to stop, that is why it ends.
  return (error instanceof Interrupted ? error : interrupted())?.exitCode ?? EXIT.failed;
}

function ignoreClosed(error: Error): void {
  if (systemCode(error) !== 'EPIPE') throw error;
}
