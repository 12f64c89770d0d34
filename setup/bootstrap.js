// node setup/bootstrap.js [--tests]
// Makes a checkout runnable: installs the npm packages of the lockfile, builds dist/, bundles the workflows; with
// --tests also the packages of deploy/, which nothing else needs. Does only what is out of date. Plain JavaScript without dependencies, as it runs before there are any.
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BUNDLE = join('dist', 'workflow-bundle.js');
/** With what makes OpenTelemetry's spans, almost twice the size: for workers that are traced. */
const TRACED_BUNDLE = join('dist', 'workflow-bundle.traced.js');

/** A step that failed, with what to do, in a sentence. */
class Failure extends Error {}

try {
  process.chdir(ROOT);
  checkNode();
  installPackages('.');
  if (process.argv.includes('--tests')) installPackages('deploy');
  build();
  await bundleWorkflows();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** Refuses a Node.js older than the oldest that `engines` of package.json names; of newer ones "perdure doctor" tells. */
function checkNode() {
  const [, oldest] = /^\^([\d.]+)/.exec(JSON.parse(readFileSync('package.json', 'utf8')).engines.node);
  if (oldest.localeCompare(process.versions.node, 'en', { numeric: true }) > 0) {
    throw new Failure(`This is Node ${process.versions.node}; install Node ${oldest} or newer and run again.`);
  }
}

function installPackages(folder) {
  if (packagesMatchLockfile(folder)) return;
  say(`npm packages: installing those of ${join(folder, 'package-lock.json')}`);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Failure('npm could not install the packages; see its message above, then run again.');
}

/** Whether npm's record of what is installed holds what the lockfile asks for; what is optional may be absent. */
function packagesMatchLockfile(folder) {
  const record = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const { packages: wanted } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const { packages: installed } = JSON.parse(readFileSync(record, 'utf8'));
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    const present = installed[path];
    return path === '' || (present ? present.version === version : optional || devOptional);
  });
}

function build() {
  const stamp = join('dist', '.built');
  const begun = new Date();
  if (existsSync(stamp) && newestSource() <= statSync(stamp).mtimeMs) return;
  say('build: compiling to dist/');
  const { status } = spawnSync(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '--project', '.'], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Failure('The sources do not compile; correct what is listed above and run again.');
  mkdirSync('dist', { recursive: true });
  writeFileSync(stamp, '');
  // What was edited while the compiler was at work is newer than this.
  utimesSync(stamp, begun, begun);
}

function newestSource() {
  const { include } = JSON.parse(readFileSync('tsconfig.json', 'utf8'));
  const roots = [...include, 'tsconfig.json', 'package-lock.json'];
  return Math.max(...roots.flatMap(filesBelow).map((path) => statSync(path).mtimeMs));
}

async function bundleWorkflows() {
  const stamp = `${BUNDLE}.inputs`;
  const inputs = bundleInputs();
  if (existsSync(BUNDLE) && existsSync(TRACED_BUNDLE) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs)
    return;
  say('build: bundling the workflows');
  const [guard, messages] = ['workflowPayloadGuard.js', 'workflowMessages.js'].map((file) =>
    join(ROOT, 'dist', 'src', 'platform', 'temporal', file),
  );
  const tracing = createRequire(import.meta.url).resolve(
    '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors',
  );
  const ends = join(ROOT, 'dist', 'workflows', 'support', 'interceptors.js');
  await bundle(BUNDLE, [messages, ends, guard]);
  await bundle(TRACED_BUNDLE, [messages, ends, tracing, guard]);
  writeFileSync(stamp, inputs);
}

async function bundle(path, workflowInterceptorModules) {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'dist', 'workflows', 'index.js'),
    workflowInterceptorModules,
    logger: new DefaultLogger('ERROR'),
  }).catch((error) => {
    throw new Failure(`The workflows can't be bundled: ${error.message}`);
  });
  // A worker that starts meanwhile reads the old bundle or the new one.
  const staged = `${path}.${randomUUID()}`;
  writeFileSync(staged, code);
  renameSync(staged, path);
}

/** A digest of all that goes into the bundle: the compiled workflows, contracts and interceptors, and the SDK's version. */
function bundleInputs() {
  const hash = createHash('sha256').update(
    readFileSync(join('node_modules', '@temporalio', 'workflow', 'package.json')),
  );
  hash.update(readFileSync(join('setup', 'bootstrap.js')));
  const guards = ['workflowMessages.js', 'workflowPayloadGuard.js', 'payloadGuard.js'].map((file) =>
    join('dist', 'src', 'platform', 'temporal', file),
  );
  for (const path of [
    ...guards,
    ...[join('dist', 'workflows'), join('dist', 'src', 'contracts')].flatMap(filesBelow).sort(),
  ]) {
    if (path.endsWith('.js')) hash.update(path).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
