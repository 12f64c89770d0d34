import { describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { labelReader, taskSpecOf, type RawLabel } from '../../src/data/labels.js';

/** What a pipeline whose version was trained on some labels makes of others: the position of a class, or what it says. */
function reading(labelSource: object | undefined, trained: RawLabel[], others: RawLabel[]) {
  const pipeline = { definition: { label: 'label', labelSource }, folder: 'loans' } as unknown as Pipeline;
  const read = labelReader(pipeline, taskSpecOf(pipeline, trained));
  return others.map((label) => {
    try {
      return read(label);
    } catch (error) {
      return (error as Error).message;
    }
  });
}

describe('a label that was not there when a version was trained', () => {
  const POSITIVE = { column: 'how it "ended"', positive: 'defaulted' };

  test.each<[string, RawLabel[]]>([
    ['one other class was there', ['repaid', 'defaulted']],
    ['several were', ['repaid', 'sold', 'defaulted']],
    ['none was', ['defaulted']],
  ])('is of the other class where pipeline.json names the positive one, and %s', (_, trained) => {
    expect(reading(POSITIVE, trained, ['repaid', 'defaulted', 'written off', null])).toEqual([0, 1, 0, undefined]);
    expect(reading({ column: 'grade', positive: 3 }, [1, 3], [1, 3, 2, NaN])).toEqual([0, 1, 0, undefined]);
  });

  test('is refused where it differs from the positive class by capitals or spaces alone, with SQL that takes them for it', () => {
    const remedy = `which is no "defaulted", the positive class, by capitals or spaces alone; write it so, or "label": {"sql": "lower(trim(\\"how it \\"\\"ended\\"\\"\\")) = 'defaulted'"} into pipeline.json, with the column under "drop".`;
    for (const trained of [
      ['repaid', 'defaulted'],
      ['repaid', 'sold', 'defaulted'],
    ])
      expect(reading(POSITIVE, trained, ['Defaulted', ' defaulted', 'REPAID'])).toEqual([
        `The label how it "ended" holds "Defaulted", ${remedy}`,
        `The label how it "ended" holds " defaulted", ${remedy}`,
        0,
      ]);
  });

  test('is refused where nobody said which class is the positive one', () => {
    expect(reading({ column: 'outcome' }, ['no', 'yes'], ['no', 'yes', 'perhaps'])).toEqual([
      0,
      1,
      'The label outcome holds "perhaps"; expected no or yes: correct it, or name the positive class, to which all others are the other ("label": {"column":"outcome","positive":"yes"} in pipeline.json).',
    ]);
    expect(reading({ sql: 'x > 1' }, ['false', 'true'], ['maybe'])).toEqual([
      'The column label of the label store holds "maybe"; expected false or true.',
    ]);
  });

  test('is a class that no metric tells of, where there are several', () => {
    expect(reading({ column: 'grade' }, ['A', 'B', 'C'], ['B', 'D', null])).toEqual([1, null, undefined]);
  });

  test('is refused where it is no number, of a regression', () => {
    const label = { column: 'price' };
    expect(reading(label, [1.5, 2, 3], [2.5, NaN, 'cheap'])).toEqual([
      2.5,
      undefined,
      'The label price holds "cheap"; expected a number.',
    ]);
  });
});
