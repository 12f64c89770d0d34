import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { ACCOUNT, matches, REGION, type Permission, type Policies, type Request } from './policies.js';

/** Something that was asked of AWS, by whom, and what came of it. */
export interface Call extends Request {
  who: string;
  allowed: boolean;
}

export interface IamProxyOptions {
  policies: Policies;
  /** Address of the S3 server. */
  s3: string;
  /** Address of the server of ECS and CloudWatch Logs. */
  ecs: string;
  /** Task role and execution role of a task definition, which whoever launches it passes on. */
  rolesOf: (family: string) => string[];
}

/**
 * Stands between processes and the servers of S3, ECS and CloudWatch Logs, and answers as IAM makes AWS answer: what the
 * policies of whoever asks don't allow is refused. Each caller has a port of its own, so that nobody has to be trusted to
 * say who they are. Every call is recorded.
 *
 * What IAM looks at is taken from AWS's Service Authorization Reference: an absent object needs `s3:ListBucket` to be told
 * as absent, `If-Match` needs the right to read, an encrypted bucket needs its key.
 */
export class IamProxy {
  readonly calls: Call[] = [];
  private readonly servers: Server[] = [];

  constructor(private readonly options: IamProxyOptions) {}

  /** AWS's environment variables by which a process is `who`. */
  async endpointsOf(
    who: string,
  ): Promise<Record<'AWS_ENDPOINT_URL_S3' | 'AWS_ENDPOINT_URL_ECS' | 'AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', string>> {
    const server = createServer((asked, answer) => {
      void this.serve(who, asked, answer).catch((error: unknown) => answer.destroy(error as Error));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.servers.push(server);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { AWS_ENDPOINT_URL_S3: url, AWS_ENDPOINT_URL_ECS: url, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url };
  }

  get refused(): Call[] {
    return this.calls.filter(({ allowed }) => !allowed);
  }

  /** What the policies of somebody allow and nobody of that name has done. */
  unused(who: string): Permission[] {
    const mine = this.calls.filter((call) => call.who === who && call.allowed);
    return this.options.policies
      .permissionsOf(who)
      .filter(
        ({ action, resource }) => !mine.some((call) => call.action === action && matches(resource, call.resource)),
      );
  }

  async close(): Promise<void> {
    for (const server of this.servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  private async serve(who: string, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const target = asked.headers['x-amz-target'];
    if (typeof target === 'string') return this.serveJson(who, target.split('.').at(-1)!, asked, answer);
    const { requests, ifAbsent } = s3Requests(asked, this.options.policies.keyArn);
    if (!this.allows(who, requests)) return refuseS3(asked, answer);
    const upstream = await forward(this.options.s3, asked);
    if (upstream.statusCode === 404 && ifAbsent && !this.allows(who, [ifAbsent])) {
      upstream.resume();
      return refuseS3(asked, answer);
    }
    answer.writeHead(upstream.statusCode!, upstream.rawHeaders);
    upstream.pipe(answer);
  }

  private async serveJson(
    who: string,
    operation: string,
    asked: IncomingMessage,
    answer: ServerResponse,
  ): Promise<void> {
    const body = await buffer(asked);
    const input = JSON.parse(body.toString() || '{}') as Record<string, unknown>;
    if (!this.allows(who, this.jsonRequests(operation, input))) {
      answer.writeHead(400, { 'Content-Type': 'application/x-amz-json-1.1' });
      answer.end(
        JSON.stringify({ __type: 'AccessDeniedException', message: `User is not authorized to perform: ${operation}` }),
      );
      return;
    }
    const upstream = await forward(this.options.ecs, asked, body);
    answer.writeHead(upstream.statusCode!, upstream.rawHeaders);
    upstream.pipe(answer);
  }

  private allows(who: string, requests: Request[]): boolean {
    const decided = requests.map((request) => ({
      who,
      ...request,
      allowed: this.options.policies.allows(who, request),
    }));
    this.calls.push(...decided);
    return decided.every(({ allowed }) => allowed);
  }

  private jsonRequests(operation: string, input: Record<string, unknown>): Request[] {
    if (operation === 'GetLogEvents') {
      return [
        {
          action: 'logs:GetLogEvents',
          resource: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${input.logGroupName as string}:log-stream:${input.logStreamName as string}`,
        },
      ];
    }
    const clusterName = (input.cluster as string).split('/').at(-1)!;
    const arn = (resource: string) => `arn:aws:ecs:${REGION}:${ACCOUNT}:${resource}`;
    const context = { 'ecs:cluster': arn(`cluster/${clusterName}`) };
    const taskArn = (task: string) => arn(`task/${clusterName}/${task.split('/').at(-1)}`);
    switch (operation) {
      case 'RunTask': {
        const named = (input.taskDefinition as string).split('/').at(-1)!;
        // A family alone is its newest revision.
        const definition = named.includes(':') ? named : `${named}:1`;
        const passing = { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' };
        return [
          { action: 'ecs:RunTask', resource: arn(`task-definition/${definition}`), context },
          ...this.options
            .rolesOf(definition.split(':')[0]!)
            .map((resource) => ({ action: 'iam:PassRole', resource, context: passing })),
          ...(input.tags
            ? [
                {
                  action: 'ecs:TagResource',
                  resource: arn(`task/${clusterName}/*`),
                  context: { ...context, 'ecs:CreateAction': 'RunTask' },
                },
              ]
            : []),
        ];
      }
      case 'DescribeTasks':
        return (input.tasks as string[]).map((task) => ({
          action: 'ecs:DescribeTasks',
          resource: taskArn(task),
          context,
        }));
      case 'StopTask':
        return [{ action: 'ecs:StopTask', resource: taskArn(input.task as string), context }];
      case 'ListTasks':
        return [{ action: 'ecs:ListTasks', resource: arn(`container-instance/${clusterName}/*`), context }];
      default:
        throw new Error(`${operation} is not understood.`);
    }
  }
}

/** What IAM is asked about a request of S3, and what more where its object is absent. */
function s3Requests(
  { method, url, headers }: IncomingMessage,
  keyArn: string,
): { requests: Request[]; ifAbsent?: Request } {
  const { pathname, searchParams } = new URL(url!, 'http://s3');
  const [bucket = '', ...rest] = pathname.slice(1).split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const list: Request = { action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` };
  const resource = `arn:aws:s3:::${bucket}/${key}`;
  const keyed = (action: string): Request => ({
    action,
    resource: keyArn,
    context: { 'kms:ViaService': `s3.${REGION}.amazonaws.com` },
  });
  if (key === '') {
    if (method === 'GET' && searchParams.has('location'))
      return { requests: [{ action: 's3:GetBucketLocation', resource: list.resource }] };
    if (method === 'HEAD' || method === 'GET') return { requests: [list] };
  }
  switch (method) {
    case 'GET':
    case 'HEAD':
      return { requests: [{ action: 's3:GetObject', resource }, keyed('kms:Decrypt')], ifAbsent: list };
    case 'PUT':
    case 'POST': {
      // Parts go up unconditionally; what makes an object of them may be conditional.
      const creates = method === 'PUT' ? !searchParams.has('partNumber') : searchParams.has('uploadId');
      const ifNoneMatch = headers['if-none-match'];
      const context = {
        's3:ObjectCreationOperation': String(creates),
        ...(ifNoneMatch ? { 's3:if-none-match': String(ifNoneMatch) } : {}),
      };
      const compared = headers['if-match'] ? [{ action: 's3:GetObject', resource }] : [];
      const parts = searchParams.has('uploadId') ? [keyed('kms:Decrypt')] : [];
      return {
        requests: [{ action: 's3:PutObject', resource, context }, keyed('kms:GenerateDataKey'), ...parts, ...compared],
        ifAbsent: list,
      };
    }
    case 'DELETE':
      return {
        requests: [{ action: searchParams.has('uploadId') ? 's3:AbortMultipartUpload' : 's3:DeleteObject', resource }],
      };
    default:
      throw new Error(`${method} ${url} is not understood.`);
  }
}

function refuseS3(asked: IncomingMessage, answer: ServerResponse): void {
  // Read to the end, so that whoever sends a large body hears the answer.
  asked.resume();
  answer.writeHead(403, { 'Content-Type': 'application/xml' });
  answer.end(
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
  );
}

/** Sends a request on as it is: its signature covers the headers, the name of the host included. */
async function forward(to: string, asked: IncomingMessage, body?: Buffer): Promise<IncomingMessage> {
  const { hostname, port } = new URL(to);
  const headers = { ...asked.headers };
  delete headers.expect;
  const sent = httpRequest({ hostname, port, method: asked.method, path: asked.url, headers });
  if (body) sent.end(body);
  else asked.pipe(sent);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer;
}
