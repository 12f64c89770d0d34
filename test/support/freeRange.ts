import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** The first of some free ports in a row. */
export async function freeRange(count: number): Promise<number> {
  for (;;) {
    const first = await tryListen(0);
    const rest = await Promise.all(
      Array.from({ length: count - 1 }, (_, i) => tryListen(first + 1 + i).catch(() => 0)),
    );
    if (rest.every((port) => port > 0)) return first;
  }
}

async function tryListen(port: number): Promise<number> {
  const server = createServer().listen(port);
  await once(server, 'listening');
  const found = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return found;
}
