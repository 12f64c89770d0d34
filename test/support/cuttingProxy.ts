import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface CuttingProxy {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Lets so many bytes of the next answer through, then cuts the connection. */
  cutNextAnswerAfter(bytes: number): void;
  /** Answers that were cut. */
  cuts: number;
}

/** Stands between a client and the server at `url`, and breaks connections off when told. It ends with the test. */
export async function startCuttingProxy(url: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let budget: number | undefined;
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    upstream.on('data', (data: Buffer) => {
      if (budget === undefined) return void client.write(data);
      if (data.length <= budget) {
        budget -= data.length;
        return void client.write(data);
      }
      client.write(data.subarray(0, budget), () => client.destroy());
      budget = undefined;
      proxy.cuts++;
      upstream.removeAllListeners('data').resume();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutNextAnswerAfter: (bytes) => void (budget = bytes),
    cuts: 0,
  };
  return proxy;
}
