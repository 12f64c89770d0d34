import type { Phase } from '../contracts/index.js';
import { Listr, ListrLogger, ProcessOutput, type ListrTask } from 'listr2';
import { variables } from '../environment.js';
import type { ProgressLine } from './progressText.js';
import { PHASE_TITLES } from './phases.js';
import { say } from './terminal.js';

/** Tells people how phases go. Phases complete in their order. */
export interface Reporter {
  /** How often there may be news, in milliseconds. */
  readonly interval: number;
  update(phase: Phase, lines: ProgressLine[]): void;
  complete(phase: Phase, outcome: { skipped: boolean; summary: string }): void;
  /** Leaves the terminal tidy. A phase that isn't complete by now is marked as failed. */
  close(): Promise<void>;
}

/** A live display on a terminal, plain lines elsewhere; both on stderr. */
export function createReporter(phases: readonly Phase[]): Reporter {
  // A terminal that doesn't tell its width, such as that of `script` or a container, can't be drawn on.
  const live = process.stderr.isTTY && process.stderr.columns > 0 && variables().TERM !== 'dumb';
  return live ? new LiveReporter(phases) : new PlainReporter();
}

interface LivePhase {
  /** Shows lines under the phase's title, once it is its turn. */
  show?: (text: string) => void;
  newest: string;
  ended: Promise<Ending>;
  end(ending: Ending): void;
}
type Ending = { skipped: boolean; title: string } | 'failed';

class LiveReporter implements Reporter {
  readonly interval = 1_000;
  private readonly phases: Map<Phase, LivePhase>;
  private readonly display: Promise<unknown>;

  constructor(phases: readonly Phase[]) {
    this.phases = new Map(phases.map((phase) => [phase, livePhase()]));
    const list = new Listr(
      phases.map((phase) => this.task(phase)),
      {
        registerSignalListeners: false,
        renderer: 'default',
        fallbackRendererCondition: false,
        rendererOptions: {
          showErrorMessage: false,
          logger: new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) }),
        },
      },
    );
    // The only error is that of a phase marked as failed; the phases after it never begin.
    this.display = list.run().catch(() => undefined);
  }

  update(phase: Phase, lines: ProgressLine[]): void {
    const live = this.live(phase);
    live.newest = lines.map(({ text }) => text).join('\n');
    live.show?.(live.newest);
  }

  complete(phase: Phase, { skipped, summary }: { skipped: boolean; summary: string }): void {
    this.live(phase).end({ skipped, title: `${PHASE_TITLES[phase]}: ${summary}` });
  }

  async close(): Promise<void> {
    for (const live of this.phases.values()) live.end('failed');
    await this.display;
  }

  private task(phase: Phase): ListrTask {
    const live = this.live(phase);
    return {
      title: PHASE_TITLES[phase],
      task: async (_, task) => {
        live.show = (text) => (task.output = text);
        live.show(live.newest);
        const ending = await live.ended;
        if (ending === 'failed') throw new Error(PHASE_TITLES[phase]);
        if (ending.skipped) task.skip(ending.title);
        else task.title = ending.title;
      },
    };
  }

  private live(phase: Phase): LivePhase {
    const live = this.phases.get(phase);
    if (!live) throw new Error(`${phase} isn't among the phases shown.`);
    return live;
  }
}

function livePhase(): LivePhase {
  let end: (ending: Ending) => void = () => undefined;
  const ended = new Promise<Ending>((resolve) => (end = resolve));
  return { newest: '', ended, end };
}

/** How often a line may come again that differs from the last in numbers only. */
const REPEAT_MS = 5_000;

class PlainReporter implements Reporter {
  // Every look costs the server and the orchestrator time that a search could use.
  readonly interval = 3_000;
  private readonly told = new Map<string, { step: string; text: string; at: number }>();

  update(phase: Phase, lines: ProgressLine[]): void {
    const now = Date.now();
    for (const { key, step, text } of lines) {
      const last = this.told.get(key);
      const isNews = last?.step !== step || (last.text !== text && now - last.at >= REPEAT_MS);
      if (!isNews) continue;
      this.told.set(key, { step, text, at: now });
      say(`${PHASE_TITLES[phase]}: ${text}`);
    }
  }

  complete(phase: Phase, { summary }: { summary: string }): void {
    say(`${PHASE_TITLES[phase]}: ${summary}`);
  }

  async close(): Promise<void> {
    // Nothing is held back.
  }
}
