import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectClient } from '../../src/platform/temporal/connection.js';
import { startEmbeddedServer } from '../../src/platform/temporal/embeddedServer.js';
import { freePort, listens } from '../../src/platform/temporal/processes.js';
import { runningStack } from '../../src/platform/temporal/stack.js';
import { perdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/until.js';

/** A state folder as a server leaves it that knows of one run. */
const whole = temporaryFolder(afterAll);

/** Starts a server on ports that no other test's takes meanwhile, as they take the customary ones, and remembers them. */
const startOnOwnPorts = async (state: string) =>
  startEmbeddedServer(state, { port: await freePort(), uiPort: await freePort() });

beforeAll(async () => {
  const server = await startOnOwnPorts(whole);
  const client = await connectClient(server.target);
  await client.workflow.start('lifecycle', { taskQueue: 'orchestrator', workflowId: 'kept', args: [] });
  await client.connection.close();
  await server.stop();
});

const DATABASE = ['temporal.db', 'temporal.db-wal', 'temporal.db-shm'];

/** A folder with what is whole but for some files. */
function damaged(state: string, damages: Damages): string {
  for (const name of [...DATABASE, 'ports.json'])
    if (existsSync(join(whole, name))) copyFileSync(join(whole, name), join(state, name));
  for (const [file, damage] of Object.entries(damages)) damage(join(state, file));
  return state;
}

/** What is done to files, by their names. */
type Damages = Record<string, (path: string) => void>;

const empty = (path: string) => writeFileSync(path, '');
const garbage = (path: string) => writeFileSync(path, 'x'.repeat(5_000));
const cut = (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2));
/** What is newest stands beside a database, from where SQLite mends it. */
const alone = (damage: (path: string) => void) => (path: string) => {
  damage(path);
  for (const suffix of ['-wal', '-shm']) empty(`${path}${suffix}`);
};

const holding = (text: string) => (path: string) => writeFileSync(path, text);

/** Each with the words of SQLite or of JSON, several in a folder, as each costs the start of a server. */
const BROKEN: Record<string, Record<string, { damage: (path: string) => void; says: RegExp }>> = {
  'a database, remembered ports and a note of 0 bytes, as a killed server leaves them': {
    'temporal.db': { damage: alone(empty), says: /no such table/ },
    'ports.json': { damage: empty, says: /it is no JSON/ },
    'temporal.json': { damage: empty, says: /it is no JSON/ },
  },
  'a database that is none, remembered ports that are cut and a note that lacks its address': {
    'temporal.db': { damage: alone(garbage), says: /not a database|malformed/ },
    'ports.json': { damage: cut, says: /it is no JSON/ },
    'temporal.json': { damage: holding('{"pid": 1}'), says: /it lacks what belongs there/ },
  },
  'remembered ports that are none and a note of 0 bytes, beside a history that is whole': {
    'ports.json': { damage: holding('{"port": 0, "ui_port": "x"}'), says: /it lacks what belongs there/ },
    'temporal.json': { damage: empty, says: /it is no JSON/ },
  },
};

describe('a state file that is broken', () => {
  test.each(Object.entries(BROKEN))(
    '%s: each is set aside with one sentence, and a server starts',
    async (_, files) => {
      const names = Object.keys(files);
      const state = damaged(
        temporaryFolder(),
        Object.fromEntries(Object.entries(files).map(([file, { damage }]) => [file, damage])),
      );
      const broken = new Map(names.map((file) => [file, readFileSync(join(state, file))]));
      const told: string[] = [];
      // Ports may be taken by now, which is told as well.
      const tell = (line: string) => void (line.includes("can't be used") && told.push(line));
      const server = await startEmbeddedServer(state, { tell });
      try {
        expect(told).toHaveLength(names.length);
        for (const [file, { says }] of Object.entries(files)) {
          const [sentence = ''] = told.filter((line) => line.startsWith(`${join(state, file)} can't be used`));
          expect(sentence).toMatch(says);
          const kept = /it is kept as (\S+), and a new one takes its place\.$/.exec(sentence)?.[1];
          // SQLite makes a header of its own in an empty file.
          if (file !== 'temporal.db') expect(readFileSync(join(state, kept!))).toEqual(broken.get(file));
          expect(readdirSync(state)).toContain(kept);
        }
        expect(await runningStack(state)).toMatchObject({ pid: process.pid, target: server.target });
        const client = await connectClient(server.target);
        const { count } = await client.workflow.count();
        await client.connection.close();
        // A history that is whole stays.
        expect(count).toBe('temporal.db' in files ? 0 : 1);
      } finally {
        await server.stop();
      }
      // What was set aside once doesn't come back.
      const again = await startEmbeddedServer(state, { tell });
      await again.stop();
      expect(told).toHaveLength(names.length);
    },
  );

  test('is told by the command that meets it, doctor included, which opens what commands open', async () => {
    const folder = temporaryFolder();
    await (await startOnOwnPorts(join(folder, '.perdure'))).stop();
    const first = await perdure(folder, ['schedules', 'list', 'readmission']);
    expect(first.code, first.stderr).toBe(0);
    const database = join(folder, '.perdure', 'temporal.db');
    alone(empty)(database);
    const doctor = await perdure(folder, ['doctor']);
    expect(doctor.stderr).toContain(`${database} can't be used (the history of runs in it is damaged: `);
    expect(doctor.stdout).toMatch(
      /^✔ Temporal +none running: commands start an embedded server, which opens what is kept here; 0 runs under way$/m,
    );
    const status = await perdure(folder, ['status', 'readmission']);
    expect(status).toMatchObject({ code: 0, stderr: '' });
  });
});

test('a history whose pages are damaged is told of, and doing what is said repairs it', async () => {
  const folder = temporaryFolder();
  const state = join(folder, '.perdure');
  mkdirSync(join(state, 'logs'), { recursive: true });
  damaged(state, {
    'temporal.db': (path) => {
      const bytes = readFileSync(path);
      // All but the first page, which has the names of the tables.
      writeFileSync(path, bytes.fill(0xa5, 4_096));
      for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    },
  });
  const { code, stderr } = await perdure(folder, ['status', 'readmission']);
  if (code !== 0) {
    expect(stderr).toMatch(
      /perdure: The history of runs in \S+\/temporal\.db is damaged \(.+\); move it, with \S+-wal and \S+-shm, to another folder and run again: data and models are in the store, and a new history begins\.$/m,
    );
    for (const name of DATABASE) if (existsSync(join(state, name))) renameSync(join(state, name), join(folder, name));
  } else {
    expect(stderr).toMatch(
      /temporal\.db can't be used \(the history of runs in it is damaged: .+\); it is kept as \S+, and a new one takes its place\.$/m,
    );
  }
  expect(await perdure(folder, ['status', 'readmission'])).toMatchObject({ code: 0, stderr: '' });
});

describe('the state folder', () => {
  test('has its database made anew where a kill left it half-made, and nothing is told of it', async () => {
    const state = temporaryFolder();
    for (const name of [...DATABASE, 'temporal.db.making']) writeFileSync(join(state, name), 'half');
    const told: string[] = [];
    const server = await startEmbeddedServer(state, { tell: (line) => told.push(line) });
    onTestFinished(() => server.stop());
    const client = await connectClient(server.target);
    onTestFinished(() => client.connection.close());
    expect(await client.workflow.count()).toMatchObject({ count: 0 });
    expect(told).toEqual([]);
    expect(readdirSync(state)).not.toContain('temporal.db.making');
  });

  test('remembers its ports, and takes those that are asked for', async () => {
    const state = temporaryFolder();
    const first = await startOnOwnPorts(state);
    await first.stop();
    const [again, other] = [await startEmbeddedServer(state), await startEmbeddedServer(temporaryFolder())];
    try {
      expect([again.target.address, again.webUi]).toEqual([first.target.address, first.webUi]);
      expect(other.target.address).not.toBe(first.target.address);
      const taken = Number(first.target.address.split(':')[1]);
      const refused = startEmbeddedServer(temporaryFolder(), { port: taken });
      await expect(refused).rejects.toMatchObject({
        type: 'TemporalUnavailable',
        message: `Another program has port ${taken} of 127.0.0.1; end it, or give another --port.`,
      });
    } finally {
      await Promise.all([again.stop(), other.stop()]);
    }
    // Those of the other folder are its own, whoever is there now.
    expect(await listens(first.target.address)).toBe(false);
  });

  test('has its note back within seconds where that is lost while a server runs', async () => {
    const state = temporaryFolder();
    const server = await startEmbeddedServer(state);
    try {
      for (const damage of [empty, garbage]) {
        damage(join(state, 'temporal.json'));
        await until(async () => (await runningStack(state))?.pid === process.pid);
      }
    } finally {
      await server.stop();
    }
    expect(await runningStack(state)).toBeUndefined();
  });
});
