import { PerdureError, messageOf } from '../../errors.js';

/** Something Perdure needs that npm doesn't bring: looked for first, fetched into the cache only when absent. */
export interface Tool {
  /** As people call it, e.g. `temporal`. */
  name: string;
  /** What it is needed for, in a few words. */
  purpose: string;
  /** Whether only the tests need it. */
  testsOnly: boolean;
  /** Whether tests say that they are left out where it isn't there, instead of failing. @default false */
  optional?: boolean;
  /**
   * Where it is, if it is there. Never fetches.
   * @throws PerdureError `SetupFailed` where one is there that can't be used.
   */
  find(): Promise<FoundTool | undefined>;
  /**
   * Fetches it into the cache, whole or not at all. `tell` hears a line before anything that takes long.
   * @throws Error whose message says what was tried, as part of a sentence.
   */
  install(tell: (line: string) => void): Promise<void>;
  /** What to do where it can't be fetched, as the second half of a sentence. */
  remedy: string;
}

export interface FoundTool {
  path: string;
  /** As the tool itself tells it. */
  version: string;
}

/**
 * Finds a tool, fetching it first where it isn't there.
 * @throws PerdureError `SetupFailed`
 */
export async function ensureTool(tool: Tool, tell: (line: string) => void): Promise<FoundTool> {
  const present = await tool.find();
  if (present) return present;
  try {
    await tool.install(tell);
  } catch (error) {
    throw missing(tool, messageOf(error), error);
  }
  const installed = await tool.find();
  if (!installed) throw missing(tool, 'it was fetched and yet is not there');
  return installed;
}

/**
 * Finds a tool and fetches nothing.
 * @throws PerdureError `SetupFailed` where it isn't there.
 */
export async function requireTool(tool: Tool): Promise<FoundTool> {
  const present = await tool.find();
  if (!present) {
    throw new PerdureError(
      'SetupFailed',
      `${tool.name}, needed for ${tool.purpose}, is not there; run "perdure setup"${tool.testsOnly ? ' with "--tests"' : ''}.`,
    );
  }
  return present;
}

function missing(tool: Tool, reason: string, cause?: unknown): PerdureError {
  return new PerdureError(
    'SetupFailed',
    `${tool.name}, needed for ${tool.purpose}, can't be had: ${reason}; ${tool.remedy}.`,
    { cause },
  );
}
