/** Folders and files from the bottom up: each imports from itself and from what stands below it, never from above. */
const LAYERS = [
  '^src/contracts/',
  '^src/[^/]+[.]ts$',
  '^src/platform/resources/',
  '^src/platform/files/',
  '^src/platform/observe/',
  '^src/platform/programs/',
  '^src/ml/',
  '^src/validation/',
  '^src/platform/setup/',
  '^src/platform/storage/',
  '^src/config/',
  '^src/monitoring/',
  '^src/data/',
  '^src/registry/',
  '^src/reports/',
  '^src/platform/tracking/',
  '^src/platform/ecs/',
  '^src/stages/',
  '^src/platform/temporal/',
  '^src/platform/notify/',
  '^src/cli/',
  '^activities/',
  '^workers/',
  '^bench/',
];

const OWN = '^(src|activities|workers|workflows|bench)/';

const name = (layer) => layer.replace(/[\^$/]+$|^\^/g, '').replace('[^/]+[.]ts', '*.ts');

export default {
  forbidden: [
    ...LAYERS.map((layer, i) => ({
      name: `${name(layer)} imports from below only`,
      comment: 'A new folder has its place in LAYERS.',
      severity: 'error',
      from: { path: layer },
      to: { path: OWN, pathNot: LAYERS.slice(0, i + 1) },
    })),
    {
      name: 'every folder has its layer',
      severity: 'error',
      from: { path: OWN, pathNot: ['^workflows/', ...LAYERS] },
      to: {},
    },
    {
      name: 'workflows import contracts and the workflow SDK only',
      comment: 'They are bundled, and replayed.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { pathNot: '^workflows/|^src/contracts/|/@temporalio/(workflow|common)/' },
    },
    {
      name: 'no circles',
      comment: 'But of types alone: a kind names the interface that stands beside the table of its kinds.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^dist/'] },
    exclude: { path: ['^dist/'] },
  },
};
