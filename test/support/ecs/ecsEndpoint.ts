import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { AwsError, HANG_UP, serveAwsJson, type Answer } from './awsJson.js';
import { EcsTask, type TaskOptions, type TaskPlan } from './ecsTask.js';
import { LogService } from './logService.js';

export const CLUSTER = 'test-cluster';
export const LOG_GROUP = '/perdure/test';
export const STREAM_PREFIX = 'task';

/** Milliseconds from one status of a task to the next. */
const STEP_MS = 20;

type Input = Record<string, unknown>;
type Operation = 'RunTask' | 'DescribeTasks' | 'ListTasks' | 'StopTask' | 'GetLogEvents';

/** What happens to one call; `proceed` does what was asked. */
export type Fault = (proceed: () => Answer, input: Input) => Answer;

export const faults = {
  error: (type: string, message: string, status = 400): Fault => () => {
    throw new AwsError(type, message, status);
  },
  throttling: (): Fault => faults.error('ThrottlingException', 'Rate exceeded'),
  /** The call is not done, and has no answer. */
  lostRequest: (): Fault => () => HANG_UP,
  /** The call is done, and has no answer. */
  lostAnswer: (): Fault => (proceed) => {
    proceed();
    return HANG_UP;
  },
  /** The answer is 200, and says that nothing was launched. */
  noRoom: (reason: string): Fault => () => ({ tasks: [], failures: [{ reason }] }),
  /** The same answer, while a task runs. */
  falseNo: (reason: string): Fault => (proceed) => {
    proceed();
    return { tasks: [], failures: [{ reason }] };
  },
};

interface TaskDefinition {
  cpu: string;
  memory: string;
  container: string;
  /** Seconds. */
  stopTimeout: number;
}

/**
 * Amazon ECS and CloudWatch Logs as far as a runner of tasks sees them, on this machine: a task runs its container's
 * command as a process, with the overrides of its environment, and what it prints becomes its log.
 */
export class EcsEndpoint {
  readonly logs = new LogService();
  /** Every task that was ever launched, in order. */
  readonly tasks: EcsTask[] = [];
  /** How often each operation was called. */
  readonly calls: Record<string, number> = {};
  /** What becomes of the next launches. */
  readonly plans: TaskPlan[] = [];
  /** What becomes of launches that no plan is left for. */
  usualPlan: TaskPlan | ((options: TaskOptions) => TaskPlan) = {};
  /** Calls a second that each operation allows, and how many at once; none by default. */
  readonly limits = new Map<Operation, { burst: number; perSecond: number }>();
  private readonly buckets = new Map<string, { tokens: number; at: number }>();
  private readonly definitions = new Map<string, TaskDefinition>();
  private readonly faults = new Map<string, Fault[]>();
  private readonly tokens = new Map<string, { request: string; task: EcsTask }>();

  constructor(private readonly processEnvironment: NodeJS.ProcessEnv) {
    this.logs.createGroup(LOG_GROUP);
  }

  /** Registers the task definition of a family. */
  define(family: string, definition: Partial<TaskDefinition> = {}): void {
    this.definitions.set(family, { cpu: '1024', memory: '2048', container: 'perdure', stopTimeout: 30, ...definition });
  }

  /** What happens to the next calls of an operation, one after the other. */
  inject(operation: Operation, ...next: Fault[]): void {
    this.faults.set(operation, [...(this.faults.get(operation) ?? []), ...next]);
  }

  /** Ends every process. */
  async close(): Promise<void> {
    for (const task of this.tasks) task.kill();
    await Promise.all(this.tasks.filter(({ plan }) => !plan.simulated).map(({ ended }) => ended));
  }

  handle(operation: string, input: Input): Answer {
    this.calls[operation] = (this.calls[operation] ?? 0) + 1;
    this.limit(operation);
    const proceed = () => this.answer(operation, input);
    const fault = this.faults.get(operation)?.shift();
    return fault ? fault(proceed, input) : proceed();
  }

  private limit(operation: string): void {
    const limit = this.limits.get(operation as Operation);
    if (!limit) return;
    const now = Date.now();
    const before = this.buckets.get(operation) ?? { tokens: limit.burst, at: now };
    const tokens = Math.min(limit.burst, before.tokens + ((now - before.at) / 1000) * limit.perSecond);
    this.buckets.set(operation, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (tokens < 1) throw new AwsError('ThrottlingException', 'Rate exceeded');
  }

  private answer(operation: string, input: Input): Answer {
    if (operation === 'GetLogEvents') return this.logs.read(input);
    if (input.cluster !== CLUSTER) throw new AwsError('ClusterNotFoundException', 'Cluster not found.');
    switch (operation) {
      case 'RunTask':
        return this.runTask(input);
      case 'DescribeTasks':
        return this.describeTasks(input);
      case 'ListTasks':
        return this.listTasks(input);
      case 'StopTask':
        return this.stopTask(input);
      default:
        throw new AwsError('UnknownOperationException', operation);
    }
  }

  private runTask(input: Input): Answer {
    const token = input.clientToken as string;
    if (!/^[\x21-\x7e]{1,64}$/.test(token)) throw new AwsError('InvalidParameterException', 'clientToken is invalid.');
    if (!/^[A-Za-z0-9/_-]{1,128}$/.test(input.startedBy as string)) throw new AwsError('InvalidParameterException', 'startedBy is invalid.');
    const request = JSON.stringify(input);
    const before = this.tokens.get(token);
    if (before && before.request !== request) {
      const resourceIds = [before.task.options.arn];
      throw new AwsError('ConflictException', 'The client token was already used with other parameters.', 400, { resourceIds });
    }
    const task = before?.task ?? this.launch(input);
    this.tokens.set(token, { request, task });
    return { tasks: [task.describe()], failures: [] };
  }

  private launch(input: Input): EcsTask {
    const family = input.taskDefinition as string;
    const definition = this.definitions.get(family);
    if (!definition) throw new AwsError('ClientException', 'TaskDefinition not found.');
    const overrides = input.overrides as { cpu?: string; memory?: string; containerOverrides: { name: string; command: string[]; environment: { name: string; value: string }[] }[] };
    const [container] = overrides.containerOverrides;
    if (container!.name !== definition.container) {
      throw new AwsError('InvalidParameterException', `Override for container named ${container!.name} is not a container in the TaskDefinition.`);
    }
    const id = `${this.tasks.length + 1}`.padStart(32, '0');
    const options: TaskOptions = {
      arn: `arn:aws:ecs:us-east-1:123456789012:task/${CLUSTER}/${id}`,
      clusterArn: `arn:aws:ecs:us-east-1:123456789012:cluster/${CLUSTER}`,
      taskDefinitionArn: `arn:aws:ecs:us-east-1:123456789012:task-definition/${family}:1`,
      container: definition.container,
      command: container!.command,
      environment: Object.fromEntries(container!.environment.map(({ name, value }) => [name, value])),
      startedBy: input.startedBy as string,
      overrides,
      capacityProvider: (input.capacityProviderStrategy as { capacityProvider: string }[] | undefined)?.[0]?.capacityProvider,
      cpu: overrides.cpu ?? definition.cpu,
      memory: overrides.memory ?? definition.memory,
      stopTimeout: definition.stopTimeout,
      step: STEP_MS,
      processEnvironment: this.processEnvironment,
      log: (line) => this.logs.append(LOG_GROUP, `${STREAM_PREFIX}/${definition.container}/${id}`, line),
    };
    const usual = typeof this.usualPlan === 'function' ? this.usualPlan(options) : this.usualPlan;
    const task = new EcsTask(options, this.plans.shift() ?? usual);
    this.tasks.push(task);
    return task;
  }

  private describeTasks(input: Input): Answer {
    const arns = input.tasks as string[];
    if (arns.length > 100) throw new AwsError('InvalidParameterException', 'Tasks cannot exceed 100.');
    const found = arns.map((arn) => this.visible(arn));
    return {
      tasks: found.flatMap((task) => (task ? [task.describe()] : [])),
      failures: arns.filter((_, i) => !found[i]).map((arn) => ({ arn, reason: 'MISSING' })),
    };
  }

  /** Reads come after writes by and by; a stopped task goes some time later. */
  private visible(arn: string): EcsTask | undefined {
    const task = this.tasks.find(({ options }) => options.arn === arn);
    if (!task || task.forgotten) return undefined;
    return task.unseen++ < (task.plan.unseenLooks ?? 0) ? undefined : task;
  }

  private listTasks(input: Input): Answer {
    const others = ['family', 'serviceName', 'containerInstance', 'launchType'].filter((name) => input[name] !== undefined);
    if (input.startedBy !== undefined && others.length > 0) {
      throw new AwsError('InvalidParameterException', 'startedBy must be the only filter.');
    }
    const { startedBy, desiredStatus = 'RUNNING' } = input;
    const found = this.tasks.filter((task) => !task.forgotten && task.desiredStatus === desiredStatus && (startedBy === undefined || task.options.startedBy === startedBy));
    return { taskArns: found.slice(0, 100).map(({ options }) => options.arn) };
  }

  private stopTask(input: Input): Answer {
    const task = this.tasks.find(({ options, forgotten }) => options.arn === input.task && !forgotten);
    if (!task) throw new AwsError('InvalidParameterException', 'The referenced task was not found.');
    task.stop(input.reason as string);
    return { task: task.describe() };
  }
}

export interface ServedEndpoint {
  endpoint: EcsEndpoint;
  /** AWS's environment variables that lead to it. */
  env: Record<string, string>;
  close: () => Promise<void>;
}

/**
 * Starts an endpoint on a free port.
 * @param folder an empty folder
 * @param perdure what the image's `perdure` is: a shell script's text
 * @param environment environment that a task definition would give
 */
export async function serveEcs(folder: string, perdure: string, environment: NodeJS.ProcessEnv = {}): Promise<ServedEndpoint> {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'perdure'), `#!/bin/sh\n${perdure}\n`);
  chmodSync(join(bin, 'perdure'), 0o755);
  const endpoint = new EcsEndpoint({ ...environment, PATH: `${bin}${delimiter}${process.env.PATH}` });
  const server = await serveAwsJson((operation, input) => Promise.resolve().then(() => endpoint.handle(operation, input)));
  const env = {
    AWS_ENDPOINT_URL_ECS: server.url,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: server.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test-secret',
  };
  const close = async () => {
    await endpoint.close();
    await server.close();
  };
  return { endpoint, env, close };
}
