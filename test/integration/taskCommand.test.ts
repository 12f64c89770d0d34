import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { FolderStore } from '../../src/storage/folderStore.js';
import { perdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const FOLDER = temporaryFolder((remove) => process.once('exit', remove));
const STORE = join(FOLDER, 'store');
const at = (path: string) => `${pathToFileURL(STORE).href}/${path}`;

test.each([
  ['a stage that is none', ['../evil', '--input', at('tiny-datamart/in.json'), '--output', at('tiny-datamart/out.json')], 'There is no stage "../evil" that runs as a task'],
  ['an input outside of the store', ['predict', '--input', 'file:///etc/passwd', '--output', at('tiny-datamart/out.json')], 'is no address of an object below'],
  ['a way out of the bucket', ['predict', '--input', at('tiny-datamart/../../secret'), '--output', at('tiny-datamart/out.json')], 'does not lie in the store'],
  ['an input that isn\'t there', ['predict', '--input', at('tiny-datamart/in.json'), '--output', at('tiny-datamart/out.json')], 'is not there'],
])('a task refuses %s, and writes nothing', async (_, args, sentence) => {
  const { code, stderr } = await perdure(FOLDER, ['task', ...args], { PERDURE_STORE: STORE });

  expect(code).toBe(1);
  expect(stderr).toContain(sentence);
  expect(await new FolderStore(join(STORE, 'tiny-datamart')).get('out.json')).toBeUndefined();
});
