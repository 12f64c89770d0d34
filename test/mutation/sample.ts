// What Stryker loads beside its own plugins: a checker that lets only the sampled mutants through to the tests, and a
// reporter that keeps each result as it comes, so that those of a run which is cut short are not lost.
import { CheckStatus, type Checker, type CheckResult } from '@stryker-mutator/api/check';
import type { Mutant, MutantResult, StrykerOptions } from '@stryker-mutator/api/core';
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';
import type { Reporter } from '@stryker-mutator/api/report';

/** Stryker's name of both plugins, and of the option that holds the sampled mutants' keys. */
export const SAMPLE = 'sample';

/** Results of the mutants tested so far by the run of this process; `main.ts` empties it before each room. */
export const results: MutantResult[] = [];

/** What a mutant changes, and to what. */
export type Place = Pick<Mutant, 'fileName' | 'location' | 'replacement'>;

/**
 * What tells a mutant from all others, whichever run names it.
 * @param first the number of a file's first line and of a line's first column: 0 in a mutant, 1 in a result
 */
export function keyOf({ fileName, location: { start, end }, replacement }: Place, first: 0 | 1): string {
  const places = [start.line, start.column, end.line, end.column].map((place) => place - first);
  return JSON.stringify([fileName, ...places, replacement]);
}

class SampleChecker implements Checker {
  static readonly inject = tokens(commonTokens.options);
  private readonly wanted: Set<string>;

  constructor(options: StrykerOptions) {
    this.wanted = new Set(options[SAMPLE] as string[]);
  }

  async init(): Promise<void> {}

  async group(mutants: Mutant[]): Promise<string[][]> {
    return [mutants.map(({ id }) => id)];
  }

  async check(mutants: Mutant[]): Promise<Record<string, CheckResult>> {
    const verdict = (mutant: Mutant): CheckResult =>
      this.wanted.has(keyOf(mutant, 0))
        ? { status: CheckStatus.Passed }
        : { status: CheckStatus.CompileError, reason: 'not in the sample' };
    return Object.fromEntries(mutants.map((mutant) => [mutant.id, verdict(mutant)]));
  }
}

class SampleReporter implements Reporter {
  onMutantTested(result: Readonly<MutantResult>): void {
    results.push(result);
  }
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.Checker, SAMPLE, SampleChecker),
  declareClassPlugin(PluginKind.Reporter, SAMPLE, SampleReporter),
];
