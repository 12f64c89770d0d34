import { describe, expect, test } from 'vitest';
import { PipelineDefinition } from '../../src/config/schema.js';
import { CONF } from '../support/medallion.js';

const DEFINITION = CONF['pipeline.json'];
const takes = (change: object) => PipelineDefinition.safeParse({ ...DEFINITION, ...change }).success;

/** Names that lead out of the pipeline's folder, into a folder of it, or that some file system reads differently. */
const NO_FILES = [
  '',
  '.',
  '..',
  '../x.sql',
  'a/../x.sql',
  '/etc/passwd',
  'a/b.sql',
  'a\\b.sql',
  '.hidden',
  '-rf',
  'a b.sql',
  'a.sql ',
  ' a.sql',
  'a.sql\n',
  'a\0.sql',
  'ä.sql',
];

describe("the name of a file in a pipeline's folder", () => {
  test.each(['a.sql', 'A-1_b.c.sql', '0'])('may be %j', (file) => {
    expect(takes({ source: { ...DEFINITION.source, file } })).toBe(true);
    expect(takes({ layers: { ...DEFINITION.layers, silver: { ...DEFINITION.layers.silver, sql: file } } })).toBe(true);
  });

  test.each(NO_FILES)('may not be %j', (file) => {
    expect(takes({ source: { ...DEFINITION.source, file } })).toBe(false);
    expect(takes({ layers: { ...DEFINITION.layers, silver: { ...DEFINITION.layers.silver, sql: file } } })).toBe(false);
    expect(takes({ source: { ...DEFINITION.source, synthetic: { calibration: file, rows: 1 } } })).toBe(false);
  });
});
