import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { anyTable } from './anyTable.js';
import { backfill } from './backfill.js';
import { backfillKilled } from './backfillKilled.js';
import { churnJob } from './churnJob.js';
import { ecsLaunch } from './ecsLaunch.js';
import { falseAlarms } from './falseAlarms.js';
import { lookup } from './lookup.js';
import { memory } from './memory.js';
import { network } from './network.js';
import { orchestration } from './orchestration.js';
import { quality } from './quality.js';
import { racing } from './racing.js';
import { recovery } from './recovery.js';
import { restart } from './restart.js';
import { s3Throughput } from './s3Throughput.js';
import type { Section } from './section.js';
import { stagesAt } from './stages.js';
import { steward } from './steward.js';
import { tuning, tuningChurn } from './tuning.js';
import { validation } from './validation.js';
import { wholeJob } from './wholeJob.js';

const SECTIONS: Record<string, Section> = {
  orchestration,
  wholeJob,
  backfill,
  backfillKilled,
  anyTable,
  churnJob,
  quality,
  network,
  memory,
  s3Throughput,
  ecsLaunch,
  recovery,
  restart,
  stages100k: stagesAt(1),
  stages1m: stagesAt(10),
  stages10m: stagesAt(100),
  steward,
  racing,
  tuning,
  tuningChurn,
  falseAlarms,
  lookup,
  validation,
};

/** `npm run bench`, or `npm run bench -- memory` for one section. */
async function main(pipeline: string, asked: string[]): Promise<void> {
  const unknown = asked.filter((name) => !(name in SECTIONS));
  if (unknown.length > 0)
    throw new Error(`There is no section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}.`);

  console.log(
    `Machine: ${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`,
  );
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    console.log(`\n${section.title}`);
    const folder = await mkdtemp(join(tmpdir(), 'perdure-bench-'));
    try {
      const lines = await section.run(pipeline, folder, (what) => console.error(`  ... ${what}`));
      console.log(lines.map((line) => `  ${line}`).join('\n'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

const [pipeline, ...sections] = process.argv.slice(2);
if (!pipeline) throw new Error('Name the pipeline to measure.');
await main(pipeline, sections);
