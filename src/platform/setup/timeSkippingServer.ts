import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../files/cacheFolder.js';
import { isExecutable, onPath, runCommand } from '../programs/command.js';
import { findNamed } from './named.js';
import { downloadWithSdk } from './sdkDownload.js';
import type { FoundTool, Tool } from './tool.js';
import { firstThatWorks } from './ways.js';

const MAVEN_VERSION = '1.38.0';
const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const MAVEN_TIMEOUT_MS = 10 * 60_000;

/** Temporal's test server, whose clock leaps over timers. It has no schedules, no list and no worker versioning. */
export const timeSkippingServer: Tool = {
  name: 'temporal-test-server',
  purpose: 'the workflow tests',
  testsOnly: true,
  remedy: 'install Java and Maven, or name the path of a test server in PERDURE_TEST_SERVER_PATH',

  async find(): Promise<FoundTool | undefined> {
    const named = await findNamed('PERDURE_TEST_SERVER_PATH');
    if (named) return named;
    if (await isExecutable(cachedPath())) return { path: cachedPath(), version: 'as the SDK downloads it' };
    if ((await isExecutable(launcherPath())) && (await onPath('java')))
      return { path: launcherPath(), version: MAVEN_VERSION };
    return undefined;
  },

  async install(tell) {
    await firstThatWorks(
      this.name,
      [
        { doing: 'downloading it', attempt: () => downloadWithSdk('createTimeSkipping', cachedPath()) },
        { doing: 'fetching its Java archives with Maven', attempt: fetchWithMaven },
      ],
      tell,
    );
  },
};

function cachedPath(): string {
  return join(cacheFolder(), 'bin', process.platform === 'win32' ? 'temporal-test-server.exe' : 'temporal-test-server');
}

function mavenFolder(): string {
  return join(cacheFolder(), `temporal-test-server-${MAVEN_VERSION}`);
}

function launcherPath(): string {
  return join(mavenFolder(), 'temporal-test-server');
}

async function fetchWithMaven(): Promise<void> {
  const maven = await onPath('mvn');
  if (!maven || !(await onPath('java'))) throw new Error(`there is no ${maven ? 'java' : 'mvn'} on PATH`);
  const target = mavenFolder();
  await mkdir(dirname(target), { recursive: true });
  const staged = await mkdtemp(`${target}.`);
  try {
    await writeFile(join(staged, 'pom.xml'), POM);
    const fetched = await runCommand(
      maven,
      [
        '-q',
        '-B',
        '-f',
        join(staged, 'pom.xml'),
        MAVEN_PLUGIN,
        `-DoutputDirectory=${join(staged, 'lib')}`,
        '-DincludeScope=runtime',
      ],
      { timeout: MAVEN_TIMEOUT_MS },
    );
    if (!fetched.ok) throw new Error(fetched.complaint);
    await writeFile(join(staged, 'temporal-test-server'), LAUNCHER, { mode: 0o755 });
    await rm(target, { recursive: true, force: true });
    await rename(staged, target);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>perdure</groupId>
  <artifactId>test-tools</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${MAVEN_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

/**
 * `exec`, because stopping the server means killing this very process: a JVM below a shell would outlive it. The options
 * shorten its start, which the SDK allows five seconds.
 */
const LAUNCHER = `#!/bin/sh
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;
