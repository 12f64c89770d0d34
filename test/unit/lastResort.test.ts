import { afterEach, expect, test, vi } from 'vitest';
import { endOnUnawaited } from '../../src/cli/lastResort.js';

const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
const others = process.listeners('uncaughtException');

afterEach(() => {
  exit.mockClear();
  for (const listener of process.listeners('uncaughtException'))
    if (!others.includes(listener)) process.off('uncaughtException', listener);
});

/** What an error that nobody awaits comes to. */
function unawaited(error: Error, tell: (error: unknown) => Promise<number>): void {
  endOnUnawaited(tell);
  process.listeners('uncaughtException').at(-1)!(error, 'unhandledRejection');
}

test('an error that nobody awaits is told once, and ends the process with the code that goes with it', async () => {
  const tell = vi.fn(async () => 143);
  unawaited(new Error('x'), tell);
  await vi.waitFor(() => expect(exit).toHaveBeenCalledExactlyOnceWith(143));
  expect(tell).toHaveBeenCalledTimes(1);
});

test('an error in telling it ends the process, rather than being told in turn', async () => {
  unawaited(new Error('x'), async () => {
    throw new Error('y');
  });
  await vi.waitFor(() => expect(exit).toHaveBeenCalledExactlyOnceWith(1));
});

test("a call to Temporal that a closed connection leaves over is nobody's error", async () => {
  const tell = vi.fn(async () => 1);
  unawaited(new Error('Channel has been shut down'), tell);
  expect(tell).not.toHaveBeenCalled();
  expect(exit).not.toHaveBeenCalled();
});
