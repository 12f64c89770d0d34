import { cfnLint } from './cfnLint.js';
import { xgboost } from './engines.js';
import { temporalCli } from './temporalCli.js';
import { timeSkippingServer } from './timeSkippingServer.js';
import { ensureTool, type Tool } from './tool.js';
import { versitygw } from './versitygw.js';

/** Everything that Perdure needs besides its npm packages, in the order in which it is set up. */
export const TOOLS: readonly Tool[] = [xgboost, temporalCli, timeSkippingServer, versitygw, cfnLint];

/**
 * Has every tool in place, those of the tests as well where asked for. Tells a line a tool.
 * @throws PerdureError `SetupFailed` at the first that can't be had.
 */
export async function setUp(options: { tests: boolean }, tell: (line: string) => void): Promise<void> {
  for (const tool of TOOLS) {
    if (tool.testsOnly && !options.tests) continue;
    const { path, version } = await ensureTool(tool, tell);
    tell(`${tool.name}: ${version}, ${path}`);
  }
}
