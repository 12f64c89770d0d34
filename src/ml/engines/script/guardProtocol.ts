/** A program that is to be run, as its guard is told. */
export interface GuardedProgram {
  program: string;
  args: string[];
  /** Where it runs. */
  folder: string;
  /** Bytes that it and all that it starts may have resident. */
  memory: number;
  /** A folder that goes with the host. */
  work: string | undefined;
}

/** How a program ended. */
export interface ProgramEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Processes that it left behind, and that were ended. */
  left: number;
  /** What it had too much of, where it was ended for that. */
  killed?: 'memory' | 'processes' | undefined;
  /** Why it could not be started. */
  failure?: string;
}

/** What a guard tells its host: the most bytes that were resident so far, or the end. */
export type GuardNews = { peak: number } | { end: ProgramEnd };
