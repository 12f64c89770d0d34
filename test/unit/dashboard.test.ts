import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { registry } from '../../src/platform/observe/metrics.js';

test('the dashboard shows every metric of the product, and none that is not there', async () => {
  const dashboard = readFileSync(join(packageFolder(), 'deploy/grafana/perdure.json'), 'utf8');
  const shown = new Set(
    [...dashboard.matchAll(/perdure_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, '')),
  );
  const made = (await registry.getMetricsAsJSON()).map(({ name }) => name);
  expect([...shown].sort()).toEqual(made.sort());
});
