import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi, onTestFinished } from 'vitest';
import { xgboost } from '../../src/platform/setup/engines.js';
import { temporalCli } from '../../src/platform/setup/temporalCli.js';
import { timeSkippingServer } from '../../src/platform/setup/timeSkippingServer.js';
import { ensureTool, requireTool } from '../../src/platform/setup/tool.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** An empty cache for the running test. */
function emptyCache(): string {
  const cache = temporaryFolder();
  setEnv({ PERDURE_CACHE: cache });
  return cache;
}

function setEnv(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe('setting up the engine', () => {
  test('fetches it into an empty cache once, and never again', async () => {
    const cache = emptyCache();
    const told: string[] = [];
    const tell = (line: string) => told.push(line);

    const first = await ensureTool(xgboost, tell);
    expect(first.version).toBe('3.2.0');
    expect(first.path.startsWith(join(cache, 'engines', 'xgboost-3.2.0'))).toBe(true);
    expect(told).toHaveLength(1);

    expect(await ensureTool(xgboost, tell)).toEqual(first);
    expect(told).toHaveLength(1);
    expect(await readdir(join(cache, 'engines'))).toEqual(['xgboost-3.2.0']);
  });

  test('goes well when two do it at the same time', async () => {
    const cache = emptyCache();

    const [one, other] = await Promise.all([
      ensureTool(xgboost, () => undefined),
      ensureTool(xgboost, () => undefined),
    ]);
    expect(one).toEqual(other);
    expect(await readdir(join(cache, 'engines'))).toEqual(['xgboost-3.2.0']);
  });

  test('repairs a folder that lacks the library', async () => {
    const cache = emptyCache();
    await mkdir(join(cache, 'engines', 'xgboost-3.2.0', 'xgboost'), { recursive: true });

    expect((await ensureTool(xgboost, () => undefined)).version).toBe('3.2.0');
  });

  test('leaves nothing behind when the package is not the pinned one', async () => {
    const cache = emptyCache();
    const packages = temporaryFolder();
    await writeFile(join(packages, 'xgboost_cpu-3.2.0-py3-none-any.whl'), 'something else');
    await writeFile(join(packages, 'xgboost-3.2.0-py3-none-any.whl'), 'something else');
    setEnv({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: packages });

    await expect(ensureTool(xgboost, () => undefined)).rejects.toMatchObject({
      type: 'SetupFailed',
      message: expect.stringMatching(
        /^libxgboost, needed for training and prediction, can't be had: pip said ".*DO NOT MATCH THE HASHES.*"; see that python3 has pip .*\.$/,
      ),
    });
    expect(await readdir(join(cache, 'engines'))).toEqual([]);
  });

  test('says so when there is no Python', async () => {
    emptyCache();
    setEnv({ PATH: temporaryFolder() });

    await expect(ensureTool(xgboost, () => undefined)).rejects.toThrow('there is no python3 on PATH');
  });
});

describe('a tool that somebody names', () => {
  test('is refused when it is no Temporal CLI', async () => {
    setEnv({ TEMPORAL_CLI_PATH: process.execPath });

    await expect(requireTool(temporalCli)).rejects.toMatchObject({
      type: 'SetupFailed',
      message: `TEMPORAL_CLI_PATH names ${process.execPath}, which is not a Temporal CLI; name another or unset it.`,
    });
  });

  test('is refused when it is an old Temporal CLI', async () => {
    const old = join(temporaryFolder(), 'temporal');
    await writeFile(old, '#!/bin/sh\necho "temporal version 0.10.0 (Server 1.22.0, UI 2.16.2)"\n', { mode: 0o755 });
    setEnv({ TEMPORAL_CLI_PATH: old });

    await expect(requireTool(temporalCli)).rejects.toThrow('has server 1.22.0, older than 1.28.0');
  });

  test('is refused when it is not there', async () => {
    setEnv({ PERDURE_TEST_SERVER_PATH: '/nowhere/server' });

    await expect(requireTool(timeSkippingServer)).rejects.toThrow(
      'PERDURE_TEST_SERVER_PATH names /nowhere/server, which is not an executable',
    );
  });
});

test('a tool that is absent is named, with the command that fetches it', async () => {
  emptyCache();

  await expect(requireTool(xgboost)).rejects.toMatchObject({
    type: 'SetupFailed',
    message: 'libxgboost, needed for training and prediction, is not there; run "perdure setup".',
  });
});
