import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { expect, test, vi } from 'vitest';
import { remembered, running } from '../support/sharedProcess.js';

test('a process is put back as it was found', () => {
  vi.stubEnv('PERDURE_TEST_FOUND', 'found');
  const folder = process.cwd();
  const zone = new Date(0).getTimezoneOffset();
  const putBack = remembered();

  process.env.PERDURE_TEST_FOUND = 'changed';
  process.env.PERDURE_TEST_NEW = 'new';
  delete process.env.PATH;
  process.env.TZ = 'Asia/Kolkata';
  process.chdir(tmpdir());
  process.exitCode = 3;
  const handler = () => {};
  process.on('uncaughtException', handler);
  process.once('SIGTERM', handler);
  vi.useFakeTimers({ now: 0 });
  vi.spyOn(console, 'log');
  putBack();

  expect(process.env).toMatchObject({ PATH: expect.any(String) as string });
  expect(process.env).not.toHaveProperty('PERDURE_TEST_NEW');
  expect(new Date(0).getTimezoneOffset()).toBe(zone);
  expect(process.cwd()).toBe(folder);
  expect(process.exitCode).toBeUndefined();
  expect(process.listeners('uncaughtException')).not.toContain(handler);
  expect(process.listeners('SIGTERM')).not.toContain(handler);
  expect(Date.now()).toBeGreaterThan(0);
  expect(vi.isMockFunction(console.log)).toBe(false);
});

test('what a test started counts until it has ended', async () => {
  const before = running();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
  const { ProcessWrap, TCPServerWrap } = before as { ProcessWrap: number; TCPServerWrap: number };
  expect(running()).toMatchObject({ ProcessWrap: ProcessWrap + 1, TCPServerWrap: TCPServerWrap + 1 });
  child.kill();
  server.close();
  await vi.waitFor(() => expect(running()).toEqual(before));
});
