import { Listr, ListrLogger, ProcessOutput, type ListrTask } from 'listr2';
import { variables } from '../environment.js';
import type { ProgressLine } from './progressText.js';
import { STAGE_TITLES, type Stage } from './stages.js';
import { say } from './terminal.js';

/** Tells people how stages go. Stages complete in their order. */
export interface Reporter {
  /** How often there may be news, in milliseconds. */
  readonly interval: number;
  update(stage: Stage, lines: ProgressLine[]): void;
  complete(stage: Stage, outcome: { skipped: boolean; summary: string }): void;
  /** Leaves the terminal tidy. A stage that isn't complete by now is marked as failed. */
  close(): Promise<void>;
}

/** A live display on a terminal, plain lines elsewhere; both on stderr. */
export function createReporter(stages: readonly Stage[]): Reporter {
  // A terminal that doesn't tell its width, such as that of `script` or a container, can't be drawn on.
  const live = process.stderr.isTTY && process.stderr.columns > 0 && variables().TERM !== 'dumb';
  return live ? new LiveReporter(stages) : new PlainReporter();
}

interface LiveStage {
  /** Shows lines under the stage's title, once it is its turn. */
  show?: (text: string) => void;
  newest: string;
  ended: Promise<Ending>;
  end(ending: Ending): void;
}
type Ending = { skipped: boolean; title: string } | 'failed';

class LiveReporter implements Reporter {
  readonly interval = 1_000;
  private readonly stages: Map<Stage, LiveStage>;
  private readonly display: Promise<unknown>;

  constructor(stages: readonly Stage[]) {
    this.stages = new Map(stages.map((stage) => [stage, liveStage()]));
    const list = new Listr(
      stages.map((stage) => this.task(stage)),
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
    // The only error is that of a stage marked as failed; the stages after it never begin.
    this.display = list.run().catch(() => undefined);
  }

  update(stage: Stage, lines: ProgressLine[]): void {
    const live = this.live(stage);
    live.newest = lines.map(({ text }) => text).join('\n');
    live.show?.(live.newest);
  }

  complete(stage: Stage, { skipped, summary }: { skipped: boolean; summary: string }): void {
    this.live(stage).end({ skipped, title: `${STAGE_TITLES[stage]}: ${summary}` });
  }

  async close(): Promise<void> {
    for (const live of this.stages.values()) live.end('failed');
    await this.display;
  }

  private task(stage: Stage): ListrTask {
    const live = this.live(stage);
    return {
      title: STAGE_TITLES[stage],
      task: async (_, task) => {
        live.show = (text) => (task.output = text);
        live.show(live.newest);
        const ending = await live.ended;
        if (ending === 'failed') throw new Error(STAGE_TITLES[stage]);
        if (ending.skipped) task.skip(ending.title);
        else task.title = ending.title;
      },
    };
  }

  private live(stage: Stage): LiveStage {
    const live = this.stages.get(stage);
    if (!live) throw new Error(`${stage} isn't among the stages shown.`);
    return live;
  }
}

function liveStage(): LiveStage {
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

  update(stage: Stage, lines: ProgressLine[]): void {
    const now = Date.now();
    for (const { key, step, text } of lines) {
      const last = this.told.get(key);
      const isNews = last?.step !== step || (last.text !== text && now - last.at >= REPEAT_MS);
      if (!isNews) continue;
      this.told.set(key, { step, text, at: now });
      say(`${STAGE_TITLES[stage]}: ${text}`);
    }
  }

  complete(stage: Stage, { summary }: { summary: string }): void {
    say(`${STAGE_TITLES[stage]}: ${summary}`);
  }

  async close(): Promise<void> {
    // Nothing is held back.
  }
}
