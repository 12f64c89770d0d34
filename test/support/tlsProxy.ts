import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import { packageFolder } from '../../src/package.js';

const file = (name: string) => join(packageFolder(), 'test', 'fixtures', 'tls', name);

/**
 * An authority, and a certificate of it for `localhost` that serves either side of a connection. They end in the year
 * 2120; nobody has the authority's key any more.
 */
export const CERTIFICATES = { authority: file('ca.pem'), certificate: file('leaf.pem'), key: file('leaf.key') };

/** Stands before a gRPC server and lets in who has a certificate of the authority. It ends with the test; returns its port. */
export async function startTlsProxy(address: string): Promise<number> {
  const [host, port] = address.split(':');
  const sockets = new Set<Socket>();
  const options = {
    ca: readFileSync(CERTIFICATES.authority),
    cert: readFileSync(CERTIFICATES.certificate),
    key: readFileSync(CERTIFICATES.key),
    requestCert: true,
    ALPNProtocols: ['h2'],
  };
  const server = createServer(options, (client) => {
    const upstream = connect({ host, port: Number(port) });
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
    client.pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
