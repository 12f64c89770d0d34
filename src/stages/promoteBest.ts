import type { Pipeline } from '../config/load.js';
import {
  failedTests,
  PERFORMANCE_TEST,
  scoreText,
  type PromotedBest,
  type PromoteBestInput,
  type MetricName,
  type PromotionDecision,
  type SplitName,
  type VersionRef,
} from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { DELONG_CONVENTION } from '../ml/comparison/delong.js';
import { promotionDecision } from '../registry/promotionDecision.js';
import { aliasKey, isSameVersion, moveOf, movePointer, readPointer } from '../registry/pointers.js';
import { CHALLENGER, CHAMPION } from '../registry/aliases.js';
import { slicesOf } from '../registry/slices.js';
import { readVersionFile, readVersionFileIfAny, versionKey } from '../registry/versions.js';
import { keepForTracking } from '../platform/tracking/waitingTrainings.js';
import { bestVersion, versionOf } from './bestVersion.js';
import type { StageContext, Stage } from './context.js';
import { evaluateChallenger } from './evaluateChallenger.js';
import { writeTrainingPage } from './trainingPage.js';

/**
 * The best of the versions of a run is the challenger. It becomes champion where it passes the model tests and the
 * promotion gate, on the rows of `champion_metric`'s split, and where the config leaves that to no person; else the champion stays. The
 * gate's working is kept as the challenger's `promotion.json`. Where the best is champion already, it stays. Where the
 * metric is undefined for every version, the gate refuses the best of the search. A run moves an alias once, however
 * often it asks. The training's page comes last, and what MLflow is to know.
 */
export const promoteBest: Stage<PromoteBestInput, PromotedBest> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const { challenger, split, metric, comparison, reason } = await bestVersion(context, pipeline, input);
  await movePointer(modelRegistry, aliasKey(CHALLENGER), challenger, input.run, reason, { overDamage: true });
  const outcome = await challenge(context, pipeline, input, challenger, { split, metric, reason });
  const promoted: PromotedBest = { ...outcome, challenger, comparison };
  const refusal = refusalOf(pipeline, outcome.promotion);
  const told = {
    ...promoted,
    page: await writeTrainingPage(context, pipeline, input, promoted),
    ...(refusal !== undefined && { refusal }),
  };
  if (!pipeline.definition.tracking) return told;
  await keepForTracking(context.stores(pipeline), input, told);
  return { ...told, track: true };
};

/** What a refusal is told with, where the config has the run fail then. */
function refusalOf({ config }: Pipeline, { decision, challenger, rules }: PromotionDecision): string | undefined {
  if (decision !== 'refuse' || config.promotion_gate.on_refusal !== 'fail') return undefined;
  const missed = rules.filter(({ passed }) => !passed);
  if (missed.length === 0) return undefined;
  const values = missed.map(
    ({ rule, actual, expected }) =>
      `${rule} is ${actual === null ? 'not measured' : scoreText(actual)}, and must be ${expected}`,
  );
  return `${challenger.algorithm} ${challenger.version} did not pass the promotion gate: ${values.join('; ')}. It stays registered; train on other data, or change promotion_gate.`;
}

/** Decides once more where somebody moves the champion between the decision and the move. */
async function challenge(
  context: StageContext,
  pipeline: Pipeline,
  { run, dataset, tested, leftOut = {} }: PromoteBestInput,
  challenger: VersionRef,
  by: { split: SplitName; metric: MetricName; reason: string },
): Promise<{ champion: VersionRef | null; previous: VersionRef | null; promotion: PromotionDecision }> {
  const { modelRegistry } = context.stores(pipeline);
  const { split, metric, reason } = by;
  for (;;) {
    const pointer = await readPointer(modelRegistry, aliasKey(CHAMPION));
    const mine = moveOf(pointer, run.runId);
    if (mine) {
      const promotion = await readVersionFile(modelRegistry, challenger, 'promotion.json');
      return { champion: { algorithm: mine.algorithm, version: mine.version }, previous: mine.previous, promotion };
    }

    const champion = pointer ? { algorithm: pointer.algorithm, version: pointer.version } : null;
    const key = versionKey(challenger, 'promotion.json');
    // Also a version of this run, which a person may have promoted by now.
    if (isSameVersion(champion, challenger)) {
      const promotion = await stays(context, pipeline, { challenger, split, reason });
      if (!(await modelRegistry.head(key))) await promotionDecision.write(modelRegistry, key, promotion);
      return { champion, previous: champion, promotion };
    }
    const metadata = await versionOf(modelRegistry, challenger);
    const slices = await readVersionFileIfAny(modelRegistry, metadata, 'slices.json');
    const decision = await evaluateChallenger(context, pipeline, {
      dataset,
      split,
      metric,
      challenger,
      intervals: metadata.performance[split]?.intervals,
      slices: slicesOf(slices, split),
      failedTests: failedBesidePerformance(tested, challenger),
      champion,
    });
    const promotion = Object.keys(leftOut).length > 0 ? { ...decision, left_out: leftOut } : decision;
    await promotionDecision.write(modelRegistry, key, promotion);
    if (promotion.decision !== 'promote') return { champion, previous: champion, promotion };
    try {
      await movePointer(modelRegistry, aliasKey(CHAMPION), challenger, run, reason, { from: champion });
      return { champion: challenger, previous: champion, promotion };
    } catch (error) {
      if (!(error instanceof PerdureError && error.type === 'PointerMoved')) throw error;
    }
  }
}

/** How many tests a version did not pass whose limits are not the gate's own; `undefined` of a run without model tests. */
function failedBesidePerformance(
  tested: PromoteBestInput['tested'],
  challenger: VersionRef,
): number | null | undefined {
  if (!tested) return undefined;
  if (!isSameVersion(tested.challenger, challenger)) return null;
  return failedTests(tested.tests).filter(({ test }) => test !== PERFORMANCE_TEST).length;
}

/** The best is champion already: a version of an earlier run, or one that a person promoted. */
async function stays(
  context: StageContext,
  pipeline: Pipeline,
  { challenger, split, reason }: { challenger: VersionRef; split: SplitName; reason: string },
): Promise<PromotionDecision> {
  const performance = await readVersionFile(context.stores(pipeline).modelRegistry, challenger, 'performance.json');
  const grounds = `it is champion already, and still the ${reason}`;
  return {
    decision: 'refuse',
    reason: `${challenger.algorithm} ${challenger.version} stays champion: ${grounds}.`,
    grounds,
    challenger,
    champion: challenger,
    not_compared: null,
    rules: [],
    metrics: { challenger: performance[split] ?? { n: 0 }, champion: performance[split] ?? null },
    comparison: null,
    convention: DELONG_CONVENTION,
  };
}
