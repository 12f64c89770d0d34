/** A part of the code whose tests need no server. */
export interface Room {
  /** Its files: folders end in a slash. */
  code: string[];
  /** The test files that are to notice a change of it, in the order in which they run. */
  tests: string[];
}

const unit = (...names: string[]) => names.map((name) => `test/unit/${name}.test.ts`);
const golden = (...names: string[]) => names.map((name) => `test/golden/${name}.test.ts`);

/** What `npm run mutation` changes, and which tests it then runs. */
export const ROOMS: Record<string, Room> = {
  learning: {
    code: ['src/ml/', '!src/ml/engines/', '!src/ml/estimators.ts'],
    tests: [...unit('metrics', 'racing', 'standardScaler', 'leakage', 'influence'), ...golden('learning', 'delong')],
  },
  judge: { code: ['src/platform/ecs/judge.ts'], tests: unit('judge') },
  data: {
    code: ['src/data/'],
    tests: [
      ...unit('download', 'sql', 'storedData', 'synthetic'),
      ...golden('parquet'),
      ...unit('keys', 'medallion', 'lostManifests', 'csvValues', 'preprocess', 'badSource', 'rowsOverTime', 'inference', 'trainingStages', 'labelsAndValues'),
    ],
  },
  registry: { code: ['src/registry/'], tests: unit('promotionGate', 'trainingClaim', 'registryOperations', 'registry') },
  monitoring: { code: ['src/monitoring/'], tests: [...unit('verdict', 'profile', 'drift', 'performanceDrop'), ...golden('psi', 'delong'), ...unit('monitoring')] },
  steward: { code: ['workflows/support/stewardship.ts'], tests: unit('stewardship', 'stewardDecisions') },
  notify: { code: ['src/platform/notify/conditions.ts'], tests: unit('alertConditions', 'alertsWhole') },
  folderStore: { code: ['src/platform/storage/folderStore.ts'], tests: unit('folderStore', 'createOnly', 'documents') },
  config: { code: ['src/config/'], tests: unit('columnNames', 'computeConfig', 'configBounds', 'configValues', 'definitionNames') },
};
