import { GetLogEventsCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { said } from './ecsErrors.js';

/** Lines that are kept. */
const LINES = 20;

export interface LogStream {
  group: string;
  stream: string;
}

/** The stream of a container, as the `awslogs` driver names it. */
export function streamOf(prefix: string, container: string, taskArn: string): string {
  return `${prefix}/${container}/${taskArn.split('/').at(-1)}`;
}

/**
 * The last lines of a container's log. What can't be read is told and left: a log must never hide why a task ended.
 */
export class LogTail {
  lines: string[] = [];
  private token: string | undefined;

  constructor(
    private readonly client: CloudWatchLogsClient,
    private readonly log: LogStream,
    private readonly warn: (message: string) => void,
  ) {}

  /** Reads the last lines, and the next time what came after them: by token, as many lines may carry one instant. */
  async read(): Promise<void> {
    const { group, stream } = this.log;
    const page = this.token ? { nextToken: this.token, startFromHead: true } : { limit: LINES, startFromHead: false };
    try {
      const { events = [], nextForwardToken } = await this.client.send(
        new GetLogEventsCommand({ logGroupName: group, logStreamName: stream, ...page }),
      );
      this.lines = [...this.lines, ...events.map(({ message = '' }) => message)].slice(-LINES);
      this.token = nextForwardToken;
    } catch (error) {
      this.warn(
        `The log ${stream} of ${group} can't be read (${said(error)}); see the logs of its task in compute.ecs and the task's logConfiguration.`,
      );
    }
  }
}
