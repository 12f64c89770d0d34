import { randomUUID } from 'node:crypto';
import { loadPipeline, type Pipeline } from '../config/load.js';
import { failedTests, STEWARD, type MovedAlias } from '../contracts/index.js';
import { AlertLog } from '../platform/notify/alertLog.js';
import { raise } from '../platform/notify/raise.js';
import { channelsFrom } from '../platform/notify/settings.js';
import { moveAlias, type AliasMove } from '../registry/operations.js';
import type { Mover } from '../registry/pointers.js';
import { CHAMPION } from '../registry/aliases.js';
import { readReadiness } from '../registry/versions.js';
import { openStores } from '../platform/storage/stores.js';
import type { CommonOptions } from './options.js';
import { person } from './person.js';
import { selectorOf } from './selector.js';
import { askSteward } from './stewardQuestion.js';
import { chosenStore } from './store.js';
import { print, printJson, say } from './terminal.js';

/**
 * Moves an alias. Where the pipeline has a steward, that moves the champion itself, so that what follows from a new
 * champion does; else, or in a store that the command names, it is moved here, and people are told from here.
 *
 * @param model an alias, an algorithm for its latest, or `algorithm/version`
 */
export async function moveModel(
  move: AliasMove['move'],
  name: string,
  model: string | undefined,
  { alias, reason, ...options }: { alias: string; reason: string } & CommonOptions,
): Promise<void> {
  const pipeline = await loadPipeline(name);
  const wanted = { model: model === undefined ? undefined : selectorOf(pipeline, model), reason };
  const bySteward =
    alias === CHAMPION && !options.store
      ? await askSteward<MovedAlias>(name, STEWARD.updates[move], { by: person(), ...wanted })
      : undefined;
  const moved =
    bySteward ?? (await moveHere(pipeline, { alias, move, by: mover(`perdure models ${move}`), ...wanted }, options));
  tellMoved(moved, bySteward !== undefined, options);
}

async function moveHere(pipeline: Pipeline, move: AliasMove, options: CommonOptions): Promise<MovedAlias> {
  const { modelRegistry, monitoring } = (await openStores(chosenStore(options)))(pipeline);
  const moved = await moveAlias(modelRegistry, pipeline.config.training_config.algorithms, move);
  if (move.alias === CHAMPION) await tellOfChampion(pipeline, moved, new AlertLog(monitoring));
  const readiness = await readReadiness(modelRegistry, moved.model);
  if (!readiness) say('The version was never tested: "perdure models test" does so.');
  else if (!readiness.passed)
    say(
      `The version did not pass its model tests: ${failedTests(readiness.tests)
        .map(({ test }) => test)
        .join(', ')}.`,
    );
  return moved;
}

/** Tells people, by the channels that are set up here, as a worker would. */
async function tellOfChampion(
  { definition, config }: Pipeline,
  { model, previous, reason, at }: MovedAlias,
  alertLog: AlertLog,
): Promise<void> {
  const by = person();
  const facts = { condition: 'model_deployed', pipeline: definition.name, at, model, previous, by, reason } as const;
  const log = { debug: ignore, info: ignore, warn: say, error: say };
  const { status, reason: why } = await raise(
    facts,
    config.alerts,
    { channels: channelsFrom(), alertLog, log },
    { owner: `perdure ${by} ${at}` },
  );
  if (status === 'skipped') say(`Nobody was mailed of the new champion: ${why}`);
}

function ignore(): void {}

function mover(command: string): Mover {
  return { workflowId: command, runId: randomUUID(), person: person() };
}

function tellMoved(
  { alias, model, previous, at, reason }: MovedAlias,
  bySteward: boolean,
  { json }: CommonOptions,
): void {
  if (json) {
    printJson({ alias, model, previous, at, reason, by_steward: bySteward });
    return;
  }
  print(
    `${alias} is now ${model.algorithm} ${model.version}${previous ? `, no longer ${previous.algorithm} ${previous.version}` : ''}.`,
  );
  if (alias === CHAMPION) print(bySteward ? 'The steward starts inference with it.' : 'The next inference uses it.');
}
