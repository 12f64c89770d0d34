#!/usr/bin/env node
import { CommanderError } from 'commander';
import { listPipelines } from '../config/load.js';
import { stopTracing } from '../observe/tracing.js';
import { EXIT } from './exitCodes.js';
import { Interrupted } from './interruption.js';
import { createProgram } from './program.js';
import { printJson, say } from './terminal.js';

try {
  await createProgram(await listPipelines()).parseAsync(process.argv);
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
  if (process.env.PERDURE_DEBUG) say(error instanceof Error && error.stack ? error.stack : String(error));
  return error instanceof Interrupted ? EXIT.interrupted : EXIT.failed;
}
