import type { PollingIntervals } from './taskPoller.js';

/** How patient the dispatcher is, in milliseconds where nothing else is said. */
export interface DispatcherTimes extends PollingIntervals {
  /** Launches at once, and a second after that: what ECS allows RunTask on Fargate. */
  launchBurst: number;
  launchesPerSecond: number;
  /** First pause before a call or a launch is tried again; it doubles, with jitter. */
  backoff: number;
  longestBackoff: number;
  /** How long ECS may not know a task, just launched or long known, before that is believed: its answers lag behind. */
  unknownPatience: number;
  /** First pause before tasks are listed again that may not have been listed yet; it doubles. */
  listAgain: number;
  /** How long a task that was stopped may take to end: its stopTimeout of 120 s at most, and some more. */
  stopPatience: number;
  /** After the end, until the last lines of the log have arrived. */
  logsSettle: number;
}

export const DISPATCHER_TIMES: DispatcherTimes = {
  launchBurst: 100,
  launchesPerSecond: 20,
  interval: 5_000,
  longestInterval: 60_000,
  backoff: 2_000,
  longestBackoff: 60_000,
  unknownPatience: 60_000,
  listAgain: 2_000,
  stopPatience: 180_000,
  logsSettle: 2_000,
};
