import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pipeline } from '../../src/config/load.js';
import { literal, type Database } from '../../src/data/duckdb.js';
import { manifestKey, type LayerManifest, type PartitionFile, type StoredTable } from '../../src/data/layers.js';
import { predictionsFiles, storePredictions, type PredictionsFile } from '../../src/data/predictions.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import type { Stores } from '../../src/platform/storage/objectStore.js';
import { writeJson } from './anyDocument.js';

/** A Parquet file of a query's rows. */
export async function parquetOf(database: Database, folder: string, select: string): Promise<PartitionFile> {
  const path = join(folder, `${randomUUID()}.parquet`);
  const [written] = await database.rows<{ Count: bigint }>(`COPY (${select}) TO ${literal(path)} (FORMAT parquet)`);
  return { partition: 'all', path, checksum: '', rows: Number(written!.Count) };
}

/** The stores of a pipeline whose gold and predictions are what queries say, without the stages that make them. */
export function storedTables(database: Database, folder: string) {
  const stores = {
    datamart: new FolderStore(join(folder, 'datamart')),
    predictions: new FolderStore(join(folder, 'predictions')),
  } as unknown as Stores;
  const manifest: LayerManifest = { partitions: {} };
  return {
    stores,
    /** Puts a query's rows into a partition of the feature store, or of bronze. */
    partition: async (name: string, select: string, layer: 'gold' | 'bronze' = 'gold'): Promise<StoredTable> => {
      const { path, rows } = await parquetOf(database, folder, select);
      const body = readFileSync(path);
      const table = layer === 'gold' ? 'feature_store' : 'bronze';
      const key = `${layer}/${table}_${name}.parquet`;
      await stores.datamart.put(key, body);
      const object = { table, key, checksum: sha256(body), size: body.length, rows } as const;
      manifest.partitions[name] = { inputs: 'i', objects: [object] };
      await writeJson(stores.datamart, manifestKey(layer), manifest);
      return object;
    },
    /** Stores a query's rows as what a version said of them; `features` are those that their digests are over. */
    predictions: async (
      select: string,
      { version = 'v1', asOf = '2020-03-01', features }: { version?: string; asOf?: string; features?: string[] } = {},
    ): Promise<PredictionsFile> => {
      const { path, rows } = await parquetOf(database, folder, select);
      return storePredictions(stores.predictions, path, await predictionsFiles(stores.predictions), {
        rows,
        batches: 1,
        model: { algorithm: 'xgboost', version },
        ...({ features } as { features: string[] }),
        run: { workflowId: 'w', runId: randomUUID(), startedAt: '2020-01-01T00:00:00Z' },
        asOf,
      });
    },
  };
}

/** A pipeline of these settings and no others. */
export function pipelineOf(definition: object, config: object = {}): Pipeline {
  return {
    definition: { keys: ['id'], label: 'y', features: [], partition: { by: 'none' }, ...definition },
    config,
    folder: 'conf/pipelines/p',
  } as unknown as Pipeline;
}
