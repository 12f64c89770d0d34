import { messageOf } from '../../errors.js';

/** One way to get a tool. */
export interface Way {
  /** As told to people before it is tried, e.g. `downloading it`. */
  doing: string;
  /** How long it takes, where that is long. */
  takes?: string;
  /** Throws an error whose message says why it didn't work. */
  attempt(): Promise<void>;
}

/** Tries ways in order until one works; throws an error that says why each of them didn't. */
export async function firstThatWorks(name: string, ways: Way[], tell: (line: string) => void): Promise<void> {
  const refusals: string[] = [];
  for (const way of ways) {
    tell(`${name}: ${way.doing}${way.takes ? ` (${way.takes})` : ''}`);
    try {
      await way.attempt();
      return;
    } catch (error) {
      refusals.push(`${way.doing}: ${messageOf(error)}`);
    }
  }
  throw new Error(refusals.join(', '));
}
