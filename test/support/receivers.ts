import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface HttpAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** No answer at all. */
export const SILENCE = 'silence';

export interface ReceivedRequest {
  method: string | undefined;
  path: string | undefined;
  contentType: string | undefined;
  body: unknown;
  /** Milliseconds since the epoch. */
  at: number;
}

/** A real HTTP server on a free port that answers in turn, the last answer for good, and keeps what arrived. */
export async function receiveHttp(...answers: [HttpAnswer | typeof SILENCE, ...HttpAnswer[]]) {
  const received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const answer = answers[Math.min(received.length, answers.length - 1)]!;
      received.push({
        method: request.method,
        path: request.url,
        contentType: request.headers['content-type'],
        body: JSON.parse(body),
        at: Date.now(),
      });
      if (answer !== SILENCE) response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export interface ReceivedMail {
  from: string;
  to: string[];
  user: string | undefined;
  message: string;
}

/** A real SMTP server on a free port of this machine that keeps what arrived. */
export async function receiveMail(options: SMTPServerOptions = {}) {
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    onData(stream, { envelope, user }, done) {
      void text(stream).then((message) => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        received.push({
          from,
          to: envelope.rcptTo.map(({ address }) => address),
          user: user as string | undefined,
          message,
        });
        done();
      });
    },
    ...options,
  });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    received,
    close: () => new Promise<void>((closed) => server.close(closed)),
  };
}

/** A server that accepts connections and says nothing. */
export async function receiveInSilence() {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
