import type { TemporalTarget } from './connection.js';

export interface DevServerOptions {
  /** Path of the `temporal` executable. */
  executable: string;
  /** Port of the front end; the port after next free one where it is taken or not given. */
  port?: number;
  /** Port of the web UI; no UI where not given. */
  uiPort?: number;
  /** SQLite file that keeps workflows between runs; in memory where not given. */
  database?: string;
  /** File that the server's own words are added to. */
  log?: string;
}

export interface DevServer {
  target: TemporalTarget;
  /** Address of the web UI, e.g. `http://127.0.0.1:8233`. */
  webUi?: string;
  pid: number;
  /** Ends the server: asks it, then insists. Returns when the process is gone. */
  stop(): Promise<void>;
}

export declare function startDevServer(options: DevServerOptions): Promise<DevServer>;
