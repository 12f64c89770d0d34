import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fieldTables } from '../../src/config/fieldTable.js';
import { jsonSchemas, schemaText } from '../../src/config/jsonSchema.js';
import { packageFolder } from '../../src/package.js';

// Where one of these fails, "npm run docs" writes the files anew.

test.each(Object.entries(jsonSchemas()))('conf/%s is as the code has it (else: npm run docs)', async (name, schema) => {
  await expect(schemaText(schema)).toMatchFileSnapshot(join(packageFolder(), 'conf', name));
});

const [BEGIN, END] = ['<!-- Generated from the schema by "npm run docs": -->', '<!-- End of what is generated. -->'];

test('docs/pipelines.md has the fields that the code has (else: npm run docs)', async () => {
  const path = join(packageFolder(), 'docs', 'pipelines.md');
  const [before, rest = ''] = readFileSync(path, 'utf8').split(BEGIN);
  const after = rest.split(END)[1];
  expect(after).toBeDefined();
  await expect(`${before}${BEGIN}\n\n${fieldTables()}\n\n${END}${after}`).toMatchFileSnapshot(path);
});
