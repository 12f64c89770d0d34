import type { TemporalTarget } from './connection.js';

export interface StackOptions {
  /** Root folder of the object store that the workers use. */
  storeRoot: string;
  /** Folder for the server's database and the logs, e.g. `.perdure`. */
  stateFolder: string;
  /** The server to use; an embedded dev server is started where not given. */
  target?: TemporalTarget;
  /** Called with one line whenever a worker dies and is started again. */
  tell?: (line: string) => void;
}

/** A Temporal server (embedded, or somebody's) and the three workers. */
export interface Stack {
  target: TemporalTarget;
  /** Address of the web UI of the embedded server. */
  webUi?: string;
  /** Stops workers, then the embedded server. Returns when every process is gone. */
  stop(): Promise<void>;
}

/** What a stack that runs in another process says of itself. */
export interface RunningStack {
  target: TemporalTarget;
  webUi?: string;
  pid: number;
}

export declare function startStack(options: StackOptions): Promise<Stack>;

/** The stack that another process runs on this state folder, if any. */
export declare function runningStack(stateFolder: string): Promise<RunningStack | undefined>;

/** Address of a run's page in the web UI. */
export declare function runUrl(webUi: string, namespace: string, workflowId: string, runId: string): string;
