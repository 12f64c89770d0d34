import { existsSync, readdirSync } from 'node:fs';

/** A part of the code whose tests need no server. */
export interface Room {
  /** Its files: folders end in a slash. */
  code: string[];
  /** Of these, what belongs to no room. */
  without?: string[];
  /** The test files that are to notice a change of it, in the order in which they run. */
  tests: string[];
}

const unit = (...names: string[]) => names.map((name) => `test/unit/${name}.test.ts`);
const golden = (...names: string[]) => names.map((name) => `test/golden/${name}.test.ts`);

/** What `npm run mutation` changes, and which tests it then runs. */
export const ROOMS: Record<string, Room> = {
  learning: {
    code: ['src/ml/'],
    without: ['src/ml/engines/', 'src/ml/estimators/'],
    tests: [
      ...unit('metrics', 'tasks', 'racing', 'standardScaler', 'leakage', 'influence', 'folds', 'transforms'),
      ...golden('learning', 'delong', 'tasks', 'transforms'),
    ],
  },
  taskExit: { code: ['src/platform/ecs/classifyTaskExit.ts'], tests: unit('classifyTaskExit') },
  data: {
    code: ['src/data/', 'src/platform/files/'],
    tests: [
      ...unit('download', 'sql', 'storedData', 'synthetic'),
      ...golden('parquet'),
      ...unit(
        'keys',
        'medallion',
        'lostManifests',
        'csvValues',
        'preprocess',
        'badSource',
        'rowsOverTime',
        'inference',
        'trainingStages',
        'labelsAndValues',
      ),
    ],
  },
  registry: {
    code: ['src/registry/'],
    tests: unit('promotionGate', 'trainingClaim', 'registryOperations', 'registry'),
  },
  monitoring: {
    code: ['src/monitoring/'],
    tests: [
      ...unit('verdict', 'profile', 'drift', 'performanceDrop'),
      ...golden('psi', 'delong'),
      ...unit('monitoring'),
    ],
  },
  steward: { code: ['workflows/support/stewardState.ts'], tests: unit('stewardState', 'stewardDecisions') },
  notify: { code: ['src/platform/notify/conditions.ts'], tests: unit('alertConditions', 'alertsWhole') },
  folderStore: { code: ['src/platform/storage/folderStore.ts'], tests: unit('folderStore', 'createOnly', 'documents') },
  config: {
    code: ['src/config/'],
    tests: unit(
      'columnNames',
      'computeConfig',
      'configBounds',
      'configValues',
      'definitionNames',
      'effectiveConfig',
      'generatedFiles',
      'jsonSchema',
    ),
  },
};

/** The files of a room's code. Throws where one of the table is not there. */
export function codeOf({ code, without = [] }: Room): string[] {
  const left = new Set(without.flatMap(filesOf));
  return code.flatMap(filesOf).filter((file) => !left.has(file));
}

/** A file, or the TypeScript files of a folder. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) throw new Error(`${path} is not there; correct the table in test/mutation/rooms.ts.`);
  if (!path.endsWith('/')) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${path}${name}`)
    .sort();
}
