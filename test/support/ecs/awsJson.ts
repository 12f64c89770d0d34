import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An error as a service of AWS tells it. */
export class AwsError extends Error {
  constructor(
    readonly type: string,
    message: string,
    readonly status = 400,
    readonly more: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** Answer of a service that hangs up instead. */
export const HANG_UP = Symbol('hang up');

export type Answer = Record<string, unknown> | typeof HANG_UP;

/** Serves AWS's JSON 1.1 protocol on a free port: `handle` gets the operation's name and its input. */
export async function serveAwsJson(
  handle: (operation: string, input: Record<string, unknown>) => Promise<Answer>,
): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1)!;
    void text(request)
      .then(async (body) => handle(operation, JSON.parse(body || '{}') as Record<string, unknown>))
      .catch((error: unknown) =>
        error instanceof AwsError ? error : new AwsError('ServerException', String(error), 500),
      )
      .then((answer) => {
        if (answer === HANG_UP) return request.socket.destroy();
        const [status, body] =
          answer instanceof AwsError
            ? [answer.status, { __type: answer.type, message: answer.message, ...answer.more }]
            : [200, answer];
        response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
