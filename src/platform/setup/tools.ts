import { cfnLint } from './cfnLint.js';
import { composeSpec } from './composeSpec.js';
import { lightgbm, xgboost } from './engines.js';
import { temporalCli } from './temporalCli.js';
import { mlflow } from './mlflow.js';
import { timeSkippingServer } from './timeSkippingServer.js';
import { redisServer } from './redisServer.js';
import { catboostScript, sklearnScript } from './scripts.js';
import { messageOf } from '../../errors.js';
import { chromium } from './chromium.js';
import { ensureTool, type Tool } from './tool.js';
import { versitygw } from './versitygw.js';

/** What a worker needs. */
const ENGINES: readonly Tool[] = [xgboost, lightgbm];

/** Everything that Perdure needs besides its npm packages, in the order in which it is set up. */
export const TOOLS: readonly Tool[] = [
  ...ENGINES,
  temporalCli,
  timeSkippingServer,
  versitygw,
  redisServer,
  chromium,
  mlflow,
  catboostScript,
  sklearnScript,
  cfnLint,
  composeSpec,
];

/** `tests` adds what only the tests need; `engines` leaves out what workers don't need, as an image of them does. */
export interface SetUpOptions {
  tests?: boolean;
  engines?: boolean;
}

/**
 * Has every tool in place. Tells a line a tool.
 * @throws PerdureError `SetupFailed` at the first that can't be had and isn't optional.
 */
export async function setUp(options: SetUpOptions, tell: (line: string) => void): Promise<void> {
  for (const tool of options.engines ? ENGINES : TOOLS) {
    if (tool.testsOnly && !options.tests) continue;
    try {
      const { path, version } = await ensureTool(tool, tell);
      tell(`${tool.name}: ${version}, ${path}`);
    } catch (error) {
      if (!tool.optional) throw error;
      tell(`${messageOf(error)} Without it they are left out, and say so.`);
    }
  }
}
