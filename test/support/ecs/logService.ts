import { AwsError } from './awsJson.js';

interface LogEvent {
  timestamp: number;
  message: string;
  /** Milliseconds since the epoch from which on the event can be read. */
  visibleFrom: number;
}

/** Log groups and streams as CloudWatch Logs has them. */
export class LogService {
  private readonly groups = new Map<string, Map<string, LogEvent[]>>();
  /** Milliseconds until an event can be read. */
  delay = 0;

  createGroup(group: string): void {
    this.groups.set(group, new Map());
  }

  deleteGroup(group: string): void {
    this.groups.delete(group);
  }

  /** A stream begins with its first event. */
  append(group: string, stream: string, message: string): void {
    const streams = this.groups.get(group);
    if (!streams) return;
    const now = Date.now();
    streams.set(stream, [...(streams.get(stream) ?? []), { timestamp: now, message, visibleFrom: now + this.delay }]);
  }

  /** `GetLogEvents`. */
  read(input: Record<string, unknown>): Record<string, unknown> {
    const streams = this.groups.get(input.logGroupName as string);
    if (!streams) throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    const stream = streams.get(input.logStreamName as string);
    if (!stream) throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');

    const visible = stream.filter(({ visibleFrom }) => visibleFrom <= Date.now());
    const token = input.nextToken as string | undefined;
    const limit = (input.limit as number | undefined) ?? 10_000;
    const from = token ? Number(token.slice(2)) : input.startFromHead ? 0 : Math.max(0, visible.length - limit);
    const events = visible.slice(from, from + limit);
    return {
      events: events.map(({ timestamp, message }) => ({ timestamp, message, ingestionTime: timestamp })),
      nextForwardToken: `f/${from + events.length}`,
      nextBackwardToken: `b/${from}`,
    };
  }
}
