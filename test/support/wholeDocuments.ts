import { ZERO_OR_ONE, type VersionRef } from '../../src/contracts/index.js';
import type { DatasetMetadata } from '../../src/data/dataset.js';
import type { VersionMetadata } from '../../src/registry/versions.js';

/** Metadata of a version with all that belongs there, for tests that look at a part of it. */
export function versionMetadataOf(
  { algorithm, version }: VersionRef,
  {
    lineage,
    ...more
  }: Omit<Partial<VersionMetadata>, 'lineage'> & { lineage?: Partial<VersionMetadata['lineage']> } = {},
): VersionMetadata {
  return {
    model_name: algorithm,
    version,
    training_date: '2008-12-31T00:00:00.000Z',
    task: ZERO_OR_ONE,
    feature_count: 1,
    training_samples: 100,
    performance: {},
    best_params: {},
    cv_score: 0.6,
    candidates: [],
    config: { search: {} },
    lineage: {
      inputs_digest: '',
      settings_digest: '',
      code_commit: null,
      package_version: '0.1.0',
      engine: 'libxgboost',
      seed: 42,
      pipeline: 'tiny',
      environment: 'dev',
      workflow_id: 'train',
      run_id: 'run',
      config_hash: '',
      model_checksum: 'c0ffee',
      dataset: { id: 'train_data_1', uri: '', checksum: '' },
      inputs: {},
      ...lineage,
    },
    model_file: 'model.ubj',
    ...more,
  };
}

/** The same of a dataset. */
export function datasetMetadataOf(id: string, more: Partial<DatasetMetadata> = {}): DatasetMetadata {
  return {
    id,
    pipeline: 'tiny',
    as_of: '2002-03-01',
    labelled_to: '2002-01-30',
    task: ZERO_OR_ONE,
    inputs: [],
    transforms: { columns: [] },
    features: [],
    label: 'label',
    splits: {},
    partitions: {},
    warnings: [],
    config_hash: '',
    ...more,
  };
}
