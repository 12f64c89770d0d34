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
const ARN = 'arn:aws:ecs:us-east-1:123456789012';
const MOST_LISTED = 100;

type Input = Record<string, unknown>;
type Operation = 'RunTask' | 'DescribeTasks' | 'ListTasks' | 'StopTask' | 'GetLogEvents';

/** What happens to one call; `proceed` does what was asked. */
export type Fault = (proceed: () => Answer, input: Input) => Answer;

export const faults = {
  error:
    (type: string, message: string, status = 400): Fault =>
    () => {
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
  noRoom:
    (reason: string): Fault =>
    () => ({ tasks: [], failures: [{ reason }] }),
  /** The same answer, while a task runs. */
  falseNo:
    (reason: string): Fault =>
    (proceed) => {
      proceed();
      return { tasks: [], failures: [{ reason }] };
    },
};

/** A revision of a task definition. */
interface TaskDefinition {
  family: string;
  revision: number;
  cpu: string;
  memory: string;
  container: string;
  /** Of the container, where a launch names no other. */
  command: string[];
  /** Seconds. */
  stopTimeout: number;
  /** Variables that the task definition gives its container; those of a launch come on top. */
  environment: Record<string, string>;
  /** Where its container's log goes. */
  logGroup: string;
}

interface Overrides {
  cpu?: string;
  memory?: string;
  containerOverrides?: { name?: string; command?: string[]; environment?: { name: string; value: string }[] }[];
}

interface NetworkConfiguration {
  awsvpcConfiguration: { subnets: string[] };
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
  /** Milliseconds from one status of a task to the next. */
  step = STEP_MS;
  /** How long a task is not listed after its launch, in milliseconds: lists lag behind. */
  listLag = 0;
  /** ARNs a page of ListTasks, however many are asked for. */
  pageSize = MOST_LISTED;
  private readonly definitions = new Map<string, TaskDefinition[]>();
  private readonly faults = new Map<string, Fault[]>();
  private readonly tokens = new Map<string, { request: string; task: EcsTask }>();

  constructor(private readonly processEnvironment: NodeJS.ProcessEnv) {
    this.logs.createGroup(LOG_GROUP);
  }

  /** Registers a task definition: the next revision of its family. */
  define(family: string, definition: Partial<Omit<TaskDefinition, 'family' | 'revision'>> = {}): void {
    if (definition.logGroup) this.logs.createGroup(definition.logGroup);
    const revisions = this.definitions.get(family) ?? [];
    const usual = {
      cpu: '1024',
      memory: '2048',
      container: 'perdure',
      command: ['true'],
      stopTimeout: 30,
      environment: {},
      logGroup: LOG_GROUP,
    };
    this.definitions.set(family, [...revisions, { ...usual, ...definition, family, revision: revisions.length + 1 }]);
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
    // By name or by ARN; where none is named it is the account's cluster "default".
    if (input.cluster !== CLUSTER && input.cluster !== `${ARN}:cluster/${CLUSTER}`)
      throw new AwsError('ClusterNotFoundException', 'Cluster not found.');
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
    const token = input.clientToken as string | undefined;
    if (token !== undefined && !/^[\x21-\x7e]{1,64}$/.test(token))
      throw new AwsError('InvalidParameterException', 'clientToken is invalid.');
    if (input.startedBy !== undefined && !/^[A-Za-z0-9/_-]{1,128}$/.test(input.startedBy as string))
      throw new AwsError('InvalidParameterException', 'startedBy is invalid.');
    const tags = (input.tags ?? []) as { key: string; value: string }[];
    if (tags.length > 50 || tags.some(({ key, value }) => key.length > 128 || value.length > 256))
      throw new AwsError('InvalidParameterException', 'tags are invalid.');
    const request = JSON.stringify(input);
    const before = token === undefined ? undefined : this.tokens.get(token);
    if (before && before.request !== request) {
      const resourceIds = [before.task.options.arn];
      throw new AwsError('ConflictException', 'The client token was already used with other parameters.', 400, {
        resourceIds,
      });
    }
    const task = before?.task ?? this.launch(input);
    if (token !== undefined) this.tokens.set(token, { request, task });
    return { tasks: [task.describe()], failures: [] };
  }

  private launch(input: Input): EcsTask {
    const definition = this.definitionOf(input.taskDefinition as string);
    const overrides = (input.overrides ?? {}) as Overrides;
    const { containerOverrides = [] } = overrides;
    for (const { name } of containerOverrides) {
      if (name === undefined)
        throw new AwsError('InvalidParameterException', 'Container name in container overrides cannot be null.');
      if (name !== definition.container)
        throw new AwsError(
          'InvalidParameterException',
          `Override for container named ${name} is not a container in the TaskDefinition.`,
        );
    }
    const [override] = containerOverrides;
    const id = `${this.tasks.length + 1}`.padStart(32, '0');
    const { family, revision, container } = definition;
    const options: TaskOptions = {
      arn: `${ARN}:task/${CLUSTER}/${id}`,
      clusterArn: `${ARN}:cluster/${CLUSTER}`,
      taskDefinitionArn: `${ARN}:task-definition/${family}:${revision}`,
      group: (input.group as string | undefined) ?? `family:${family}`,
      container,
      command: override?.command ?? definition.command,
      environment: Object.fromEntries((override?.environment ?? []).map(({ name, value }) => [name, value])),
      startedBy: input.startedBy as string | undefined,
      // Described with the name of every container, also where the request overrides nothing.
      overrides: {
        ...overrides,
        containerOverrides: containerOverrides.length > 0 ? containerOverrides : [{ name: container }],
        inferenceAcceleratorOverrides: [],
      },
      capacityProvider: (input.capacityProviderStrategy as { capacityProvider: string }[] | undefined)?.[0]
        ?.capacityProvider,
      subnet: (input.networkConfiguration as NetworkConfiguration | undefined)?.awsvpcConfiguration.subnets[0],
      tags: (input.tags as TaskOptions['tags'] | undefined) ?? [],
      cpu: overrides.cpu ?? definition.cpu,
      memory: overrides.memory ?? definition.memory,
      stopTimeout: definition.stopTimeout,
      step: this.step,
      processEnvironment: { ...this.processEnvironment, ...definition.environment },
      log: (line) => this.logs.append(definition.logGroup, `${STREAM_PREFIX}/${container}/${id}`, line),
    };
    const usual = typeof this.usualPlan === 'function' ? this.usualPlan(options) : this.usualPlan;
    const task = new EcsTask(options, this.plans.shift() ?? usual);
    this.tasks.push(task);
    return task;
  }

  /** By `family`, which is its newest revision, `family:revision` or an ARN. */
  private definitionOf(named: string): TaskDefinition {
    const [, family = '', revision] =
      /^(?:arn:aws:ecs:[^/]*:task-definition\/)?([A-Za-z0-9_-]+)(?::(\d+))?$/.exec(named) ?? [];
    const revisions = this.definitions.get(family) ?? [];
    const found = revision === undefined ? revisions.at(-1) : revisions[Number(revision) - 1];
    if (!found) throw new AwsError('ClientException', 'TaskDefinition not found.');
    return found;
  }

  private describeTasks(input: Input): Answer {
    const arns = input.tasks as string[];
    if (arns.length > 100) throw new AwsError('InvalidParameterException', 'Tasks cannot exceed 100.');
    const found = arns.map((arn) => this.visible(arn));
    return {
      tasks: found.flatMap((task) =>
        task ? [task.describe((input.include as string[] | undefined)?.includes('TAGS'))] : [],
      ),
      failures: arns.filter((_, i) => !found[i]).map((arn) => ({ arn, reason: 'MISSING' })),
    };
  }

  /** Reads come after writes by and by; a stopped task goes some time later. */
  private visible(arn: string): EcsTask | undefined {
    const task = this.tasks.find(({ options }) => options.arn === arn);
    if (!task || task.forgotten || task.hiddenLooks > 0) {
      if (task) task.hiddenLooks -= 1;
      return undefined;
    }
    return task.unseen++ < (task.plan.unseenLooks ?? 0) ? undefined : task;
  }

  private listTasks(input: Input): Answer {
    const others = ['family', 'serviceName', 'containerInstance', 'launchType'].filter(
      (name) => input[name] !== undefined,
    );
    if (input.startedBy !== undefined && others.length > 0) {
      throw new AwsError('InvalidParameterException', 'startedBy must be the only filter.');
    }
    const { startedBy, desiredStatus = 'RUNNING', maxResults = MOST_LISTED, nextToken } = input;
    const listed = this.tasks.filter((task) => !task.forgotten && Date.now() - task.createdAt >= this.listLag);
    const found = listed.filter(
      (task) =>
        task.desiredStatus === desiredStatus && (startedBy === undefined || task.options.startedBy === startedBy),
    );
    const from = nextToken === undefined ? 0 : Number((nextToken as string).slice('from-'.length));
    const to = from + Math.min(this.pageSize, maxResults as number);
    return {
      taskArns: found.slice(from, to).map(({ options }) => options.arn),
      ...(to < found.length ? { nextToken: `from-${to}` } : {}),
    };
  }

  private stopTask(input: Input): Answer {
    const task = this.tasks.find(
      ({ options, forgotten }) =>
        (options.arn === input.task || options.arn.endsWith(`/${input.task as string}`)) && !forgotten,
    );
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
export async function serveEcs(
  folder: string,
  perdure: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<ServedEndpoint> {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'perdure'), `#!/bin/sh\n${perdure}\n`);
  chmodSync(join(bin, 'perdure'), 0o755);
  const endpoint = new EcsEndpoint({ ...environment, PATH: `${bin}${delimiter}${process.env.PATH}` });
  const server = await serveAwsJson((operation, input) =>
    Promise.resolve().then(() => endpoint.handle(operation, input)),
  );
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
