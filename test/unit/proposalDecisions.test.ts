import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isIdentifierName } from '../../src/data/inspect/keys.js';
import { propose, type Proposal, type Wishes } from '../../src/data/inspect/propose.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

// What is decided of a file's columns, and what is said of it, where the file leaves more than one choice.
const opened = sharedDatabase();

type Columns = Record<string, (i: number) => string | number>;

async function proposed(rows: number, columns: Columns, wishes: Wishes): Promise<Proposal> {
  const path = join(temporaryFolder(), 'table.csv');
  const lines = Array.from({ length: rows }, (_, i) => Object.values(columns).map((value) => value(i)));
  writeFileSync(path, [Object.keys(columns), ...lines].map((fields) => fields.join(',')).join('\n'));
  return propose(await opened, path, 'table.csv', wishes);
}

async function textOf(topic: string, rows: number, columns: Columns, wishes: Wishes): Promise<string | undefined> {
  const { decisions, remarks } = await proposed(rows, columns, wishes);
  return [...decisions, ...remarks].find((finding) => finding.topic === topic)?.text;
}

/** From 0 to below a number, in an order that has nothing to do with the row's. */
const mixed = (i: number, below: number) => (i * 7_919 + 13) % below;
const x = (i: number) => mixed(i, 97);
const day = (i: number) => new Date(Date.UTC(2020, 0, 1) + i * 86_400_000).toISOString().slice(0, 10);

describe('the label', () => {
  const of = (label: (i: number) => string | number, wishes: Partial<Wishes> = {}, rows = 200) =>
    textOf('label', rows, { x, label }, { label: 'label', ...wishes });

  test.each<[string, (i: number) => string | number, Partial<Wishes>, string]>([
    [
      'two numbers of which neither is 1',
      (i) => (i % 4 === 0 ? 2 : 5),
      {},
      'binary, two values; the larger is taken as the positive one (--positive says otherwise); positive 5 75.0%',
    ],
    [
      'two words that say nothing',
      (i) => (i % 4 === 0 ? 'MM' : 'CH'),
      {},
      'binary, two values; the rarer is taken as the positive one (--positive says otherwise); positive MM 25.0%',
    ],
    [
      'two words that both sound positive, of which the rarer counts',
      (i) => (i % 4 === 0 ? 'won' : 'up'),
      {},
      'binary, two values; the rarer is taken as the positive one (--positive says otherwise); positive won 25.0%',
    ],
    [
      'a word that says yes, though it is the more frequent',
      (i) => (i % 4 === 0 ? 'other' : ' Yes '),
      {},
      'binary, two values; positive  Yes  75.0%',
    ],
    [
      'a word that says no, though it is the rarer',
      (i) => (i % 4 === 0 ? 'healthy' : 'x'),
      {},
      'binary, two values; positive x 75.0%',
    ],
    ['true and false', (i) => String(i % 4 === 0), {}, 'binary, two values; positive true 25.0%'],
    [
      'one of three words, whose case does not matter',
      (i) => ['Low', 'Mid', 'High'][i % 3]!,
      { positive: 'high' },
      'binary, as --positive names one class, all others are the other; positive High 33.0%',
    ],
    [
      'a number that is written in another way',
      (i) => i % 2,
      { positive: '1.0' },
      'binary, as --positive names one class; positive 1 50.0%',
    ],
    [
      'days, which are no numbers',
      (i) => day(i % 3),
      {},
      'multiclass, more than two values that are no numbers; 2020-01-01 33.5%, 2020-01-02 33.5%, 2020-01-03 33.0%',
    ],
    [
      'few whole numbers',
      (i) => 3 + (i % 3),
      {},
      'multiclass, 3 whole numbers; if they are a quantity, add --task regression; 3 33.5%, 4 33.5%, 5 33.0%',
    ],
    [
      'few whole numbers that are written with a point',
      (i) => `${3 + (i % 3)}.0`,
      {},
      'multiclass, 3 whole numbers; if they are a quantity, add --task regression; 3.0 33.5%, 4.0 33.5%, 5.0 33.0%',
    ],
    ['0 and 1', (i) => i % 2, {}, 'binary, two values; positive 1 50.0%'],
    ['0 and 1 that are written with a point', (i) => `${i % 2}.0`, {}, 'binary, two values; positive 1.0 50.0%'],
    [
      'two numbers, of which the smaller is more frequent',
      (i) => (i % 4 === 0 ? 5 : 2),
      {},
      'binary, two values; the larger is taken as the positive one (--positive says otherwise); positive 5 25.0%',
    ],
    [
      'two days, of which the rarer counts',
      (i) => day(i % 4 === 0 ? 0 : 9),
      {},
      'binary, two values; the rarer is taken as the positive one (--positive says otherwise); positive 2020-01-01 25.0%',
    ],
    [
      'false, where that is asked for',
      (i) => String(i % 4 === 0),
      { positive: 'FALSE' },
      'binary, as --positive names one class; positive false 75.0%',
    ],
    [
      'digits that are another name with a zero before them',
      (i) => ['1', '1', '01', 'x'][i % 4]!,
      { positive: '01' },
      'binary, as --positive names one class, all others are the other; positive 01 25.0%',
    ],
    [
      'whole numbers from 0 of which there are three',
      (i) => (i % 2 === 0 ? 0 : i % 4 === 1 ? 1 : 2),
      {},
      'multiclass, 3 whole numbers; if they are a quantity, add --task regression; 0 50.0%, 1 25.0%, 2 25.0%',
    ],
    [
      'numbers with signs of two kinds, which are text',
      (i) => `${'$€£'[i % 3]!}${i % 3}`,
      {},
      'multiclass, text; $0 33.5%, €1 33.5%, £2 33.0%',
    ],
    ['few numbers with a fraction', (i) => 0.5 + (i % 3), {}, 'regression, numbers, 3 distinct'],
    ['ten whole numbers', (i) => 1 + (i % 10), {}, expect.stringMatching(/^multiclass, 10 whole numbers; /) as string],
    ['eleven', (i) => 2 + (i % 11), {}, 'regression, numbers, 11 distinct'],
    [
      'whole numbers from 0, of which large ones are rare',
      (i) => (i % 2 === 0 ? 0 : i % 4 === 1 ? 1 : i % 8 === 3 ? 2 : i % 16 === 7 ? 3 : 9),
      {},
      // None from 4 to 8: these are codes rather than counts.
      'multiclass, 5 whole numbers; if they are a quantity, add --task regression; 0 50.0%, 1 25.0%, 2 12.5%, 3 6.5%, 9 6.0%; classes of fewer than 20 rows',
    ],
    [
      'counts',
      (i) => (i % 2 === 0 ? 0 : i % 4 === 1 ? 1 : i % 8 === 3 ? 2 : i % 16 === 7 ? 3 : 4),
      {},
      'regression, whole numbers from 0, the rarer the larger, as counts are; counts from 0, so the objective is poisson',
    ],
    [
      'seven classes, all of which are told',
      (i) => `c${i % 7}`,
      {},
      'multiclass, text; c0 14.5%, c1 14.5%, c2 14.5%, c3 14.5%, c4 14.0%, c5 14.0%, c6 14.0%',
    ],
    [
      'one rare class',
      (i) => (i < 19 ? 'a' : i % 2 ? 'b' : 'c'),
      {},
      'multiclass, text; b 45.5%, c 45.0%, a 9.5%; a class of fewer than 20 rows',
    ],
    [
      'a class of 20 rows',
      (i) => (i < 20 ? 'a' : i % 2 ? 'b' : 'c'),
      {},
      'multiclass, text; b 45.0%, c 45.0%, a 10.0%',
    ],
  ])('is taken for what it looks like: %s', async (_, label, wishes, told) => {
    const text = await of(label, wishes);
    expect(text?.slice('label: '.length)).toEqual(told);
  });

  test('of two words is positive by what the words say', async () => {
    const positiveOf = async (frequent: string, rare: string) =>
      (await proposed(200, { x, label: (i) => (i % 4 === 0 ? rare : frequent) }, { label: 'label' })).definition.label;
    const yes =
      'yes,y,t,positive,pos,+,default,defaulted,charged off,fraud,spam,churn,churned,malignant,m,bad,dead,died,failed,failure,fail,sick,disease,won,win,success,clicked,bought,above,high,up,case,>50K,>50K.,Ja,oui,si,sí,sì,sim,tak,Да,evet,ano,igen,kyllä,是,はい,예,WAHR,VRAI,verdadero,verdadera,VERDADEIRO,vero,waar,prawda,ИСТИНА,sant,sann,tosi,pravda,igaz,doğru';
    for (const word of yes.split(','))
      expect(await positiveOf(word, 'zzz')).toEqual({ column: 'label', positive: word });
    const no =
      'no,n,f,negative,neg,none,ham,benign,b,good,alive,survived,ok,okay,pass,passed,normal,healthy,lost,loss,below,low,down,control,<=50K,<=50K.,Nein,nee,nej,non,não,nie,Нет,hayır,ne,nem,ei,否,いいえ,아니요,FALSCH,FAUX,falso,falsa,onwaar,fałsz,ЛОЖЬ,falsk,falskt,usann,epätosi,nepravda,hamis,yanlış';
    for (const word of no.split(','))
      expect(await positiveOf('zzz', word)).toEqual({ column: 'label', positive: 'zzz' });
    for (const word of ['yes!', 'oh yes', 'churner', 'spammer', 'note', 'unhealthy', 'okayish', 'passing', 'by no'])
      expect(await positiveOf('zzz', word)).toEqual({ column: 'label', positive: word });
    for (const word of ['oh yes', 'yes!', 'churner', 'defaulting', '>50Kx'])
      expect(await positiveOf(word, 'zzz')).toEqual({ column: 'label', positive: 'zzz' });
  });

  test.each<[string, (i: number) => string | number, string | undefined, unknown]>([
    ['0 and 1', (i) => i % 2, undefined, 'label'],
    ['-1 and 1', (i) => (i % 2) * 2 - 1, undefined, 'label'],
    ['1 and 2', (i) => 1 + (i % 2), '1', { column: 'label', positive: 1 }],
    ['0 and 1, of which 0 is asked for', (i) => i % 2, '0', { column: 'label', positive: 0 }],
    ['0, 1 and 2', (i) => i % 3, '1', { column: 'label', positive: 1 }],
    ['true and false', (i) => String(i % 2 === 0), undefined, 'label'],
    [
      'true and false, of which that is asked for',
      (i) => String(i % 2 === 0),
      'false',
      { column: 'label', positive: false },
    ],
    ['fractions', (i) => 0.25 + (i % 2), undefined, { column: 'label', positive: 1.25 }],
    ['days', (i) => day(i % 2), '2020-01-02', { column: 'label', positive: '2020-01-02' }],
    ['digits that are a name', (i) => `0${i % 3}`, '01', { column: 'label', positive: '01' }],
  ])(
    'is written down with its positive value where that does not go without saying: %s',
    async (_, label, positive, told) => {
      const { definition } = await proposed(200, { x, label }, { label: 'label', positive });
      expect(definition.label).toEqual(told);
      expect(definition.task).toBe(told === 'label' ? 'binary' : undefined);
    },
  );

  test.each<[string, (i: number) => string | number, string]>([
    ['many counts from 1, some of them large', (i) => 1 + mixed(i, 150), 'poisson'],
    ['amounts that leave most numbers out', (i) => 1_000 * mixed(i, 50), 'squared_error'],
    ['numbers that spread less than their mean', (i) => (i === 0 ? 1 : 30 + (i % 5)), 'squared_error'],
    ['whole numbers from 2', (i) => 2 + mixed(i, 150), 'squared_error'],
    ['numbers that spread as much as their mean', (i) => (i % 2) * 2, 'squared_error'],
    ['numbers that spread a little more', (i) => (i % 2) * 3, 'poisson'],
    // Of up to 50 a few may be left out, of up to 51 only where half of them, or as many as the mean, are there.
    ['a few numbers up to 50', (i) => (i % 5 ? 0 : 50), 'poisson'],
    ['a few numbers up to 51', (i) => (i % 5 ? i % 3 : 51), 'squared_error'],
    ['fewer numbers than their mean', (i) => (i % 50 ? i % 2 : 130), 'squared_error'],
    ['more numbers than their mean', (i) => (i % 50 ? i % 4 : 120), 'poisson'],
    ['half of the numbers up to 60', (i) => (i % 2 ? 60 - (i % 30) : i % 4 ? 0 : 55), 'squared_error'],
    ['more than half of the numbers up to 60', (i) => (i % 2 ? 60 - ((i >> 1) % 31) : i % 4 ? 0 : 20), 'poisson'],
    ['more numbers with a point than are looked at', (i) => `${mixed(i, 150)}.0`, 'squared_error'],
    ['fractions', (i) => mixed(i, 40) + (i % 2) / 2, 'squared_error'],
    ['counts that are written with a point', (i) => `${mixed(i, 40)}.0`, 'poisson'],
  ])('of a regression has an objective: %s', async (_, label, objective) => {
    const { definition } = await proposed(200, { x, label }, { label: 'label', task: 'regression' });
    expect(definition.objective ?? 'squared_error').toBe(objective);
  });

  test.each<[string, (i: number) => string | number, Partial<Wishes>, string, string]>([
    [
      'a positive class of a task that has none',
      (i) => `c${i % 3}`,
      { positive: 'c1', task: 'multiclass' },
      'InputInvalid',
      '--positive names one of two classes, and --task says multiclass; leave one of them out.',
    ],
    [
      'two classes of many values',
      (i) => `c${i % 6}`,
      { task: 'binary' },
      'InputInvalid',
      'The column label has 6 values (c0, c1, c2, c3, c4, ...), and a binary task has two; say which is the positive one with --positive, or give --task multiclass.',
    ],
    [
      'two classes of five values',
      (i) => `c${i % 5}`,
      { task: 'binary' },
      'InputInvalid',
      'The column label has 5 values (c0, c1, c2, c3, c4), and a binary task has two; say which is the positive one with --positive, or give --task multiclass.',
    ],
    [
      'two classes of a hundred values',
      (i) => `c${i % 100}`,
      { task: 'binary' },
      'InputInvalid',
      'The column label has 100 values (c0, c1, c10, c11, c12, ...), and a binary task has two; say which is the positive one with --positive, or give --task multiclass.',
    ],
    [
      'two classes of very many values',
      (i) => `c${i % 101}`,
      { task: 'binary' },
      'InputInvalid',
      'The column label has more than 100 values (c0, c1, c10, c100, c11, ...), and a binary task has two; say which is the positive one with --positive, or give --task multiclass.',
    ],
    [
      'classes of numbers that are too many',
      (i) => i,
      { task: 'multiclass' },
      'InputInvalid',
      'The column label has more than 100 distinct values (0, 1, ...), which is too many for classes; name another with --label, or give --task regression.',
    ],
    [
      'classes of text that are too many',
      (i) => `c${i}`,
      {},
      'InputInvalid',
      'The column label has more than 100 distinct values (c0, c1, ...), which is too many for classes; name another with --label.',
    ],
    [
      'a positive value that is not among many',
      (i) => `c${i % 11}`,
      { positive: 'd' },
      'NotFound',
      'No row has "d" in the column label; it holds c0, c1, c2, c3, c10, c4, c5, c6, c7, c8 and others.',
    ],
    [
      'a positive value that is not among ten',
      (i) => `c${i % 10}`,
      { positive: 'd' },
      'NotFound',
      'No row has "d" in the column label; it holds c0, c1, c2, c3, c4, c5, c6, c7, c8, c9.',
    ],
    [
      'a regression of text',
      (i) => `c${i % 3}`,
      { task: 'regression' },
      'InputInvalid',
      'The column label holds text such as "c0", and a regression needs numbers; leave --task out, or name another column with --label.',
    ],
    [
      'classes of amounts that are too many',
      (i) => `${i % 2 ? '$' : '€'}${i}`,
      {},
      'InputInvalid',
      'The column label holds numbers as text, such as "$1", and can\'t be learned so; write plain numbers without signs into the file, or name another with --label.',
    ],
    [
      'classes of numbers that are too many, one of which is a range',
      (i) => (i === 201 ? '5-9' : `${i % 101}.5`),
      {},
      'InputInvalid',
      'The column label holds numbers as text, such as "0.5", and can\'t be learned so; write plain numbers without signs into the file, or name another with --label.',
    ],
    [
      'no value',
      () => '',
      {},
      'InputInvalid',
      'The column label holds no value at all, so there is nothing to tell apart; name another with --label.',
    ],
    [
      'another way to write a name of digits',
      (i) => `0${i % 3}`,
      { positive: '1' },
      'NotFound',
      'No row has "1" in the column label; it holds 00, 01, 02.',
    ],
    [
      'one value',
      () => 'a',
      {},
      'InputInvalid',
      'The column label holds the value "a" in every row that has one, so there is nothing to tell apart; name another with --label.',
    ],
  ])('is refused: %s', async (_, label, wishes, type, message) => {
    await expect(of(label, wishes, 202)).rejects.toMatchObject({ type, message });
  });

  test('may have a hundred classes, and its name may be written in another case', async () => {
    const { definition } = await proposed(200, { x, Kind: (i) => `c${i % 100}` }, { label: ' kind' });
    expect(definition).toMatchObject({ label: 'Kind', task: 'multiclass' });
    const amounts = await proposed(200, { x, y: (i) => `${i % 2 ? '$' : '€'}${i % 100}` }, { label: 'y' });
    expect(amounts.definition).toMatchObject({ label: 'y', task: 'multiclass' });
    // The name as it stands comes first.
    const both = await proposed(200, { x, ' Y': (i) => i % 3, Y: (i) => i % 2 }, { label: 'Y' });
    expect(both.definition).toMatchObject({ label: 'Y', task: 'binary' });
  });

  test('that is not there is told with the columns that are, and with a first line that looks like data', async () => {
    const wide = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`c${i}`, x]));
    const twenty = Array.from({ length: 20 }, (_, i) => `c${i}`).join(', ');
    await expect(proposed(3, wide, { label: 'y' })).rejects.toThrow(
      `The file has no column "y"; name one of these with --label: ${twenty}, and 1 more.`,
    );
    const { c20: _, ...fewer } = wide;
    await expect(proposed(3, fewer, { label: 'y' })).rejects.toThrow(
      `The file has no column "y"; name one of these with --label: ${twenty}.`,
    );
    for (const data of ['12', ' 1', '1 ', '+3', '.5'])
      await expect(proposed(3, { a: x, [data]: x }, { label: 'y' })).rejects.toThrow(
        /; if its first line is data already, add one with the names\.$/,
      );
    for (const name of ['c1', '1c', '1 c', '1-2'])
      await expect(proposed(3, { a: x, [name]: x }, { label: 'y' })).rejects.toThrow(`--label: a, ${name}.`);
    await expect(proposed(3, { a: x, '-1.5': x }, { label: 'y' })).rejects.toThrow(
      'The file has no column "y"; name one of these with --label: a, -1.5; if its first line is data already, add one with the names.',
    );
  });
});

describe('the key', () => {
  const y = (i: number) => mixed(i, 2);

  test.each<[string, Columns, string[], string]>([
    [
      'the label',
      { a: (i) => i, y },
      ['y'],
      "The column y is the label, and can't be the key as well; give another with --key.",
    ],
    [
      'a column that predictions have',
      { probability: (i) => i, x, y },
      ['probability'],
      "A key can't be called probability, as predictions have a column of this name beside the key; rename it in the file.",
    ],
    [
      'one with gaps',
      { a: (i) => (i < 3 ? '' : i), x, y },
      ['a'],
      "The column a has no value in 3 of 120 rows, so it can't be the key; give another with --key.",
    ],
    [
      'several that do not tell the rows apart',
      { a: (i) => i >> 2, b: (i) => i % 2, x, y },
      ['a', 'B'],
      'a and b do not tell the rows apart: 0, 0 stands in 2 of them; give more columns with --key, or none.',
    ],
    [
      'one that does not tell the rows apart',
      { a: (i) => i >> 2, x, y },
      ['a'],
      'a does not tell the rows apart: 0 stands in 4 of them; give more columns with --key, or none.',
    ],
    [
      'one that is not there',
      { a: (i) => i, x, y },
      ['c'],
      'The file has no column "c"; name one of these with --key: a, x, y.',
    ],
  ])('that is asked for is refused: %s', async (_, columns, key, message) => {
    const type = message.startsWith('The file has no column') ? 'NotFound' : 'InputInvalid';
    await expect(proposed(120, columns, { label: 'y', key })).rejects.toMatchObject({ type, message });
  });

  test('is named as identifiers are', () => {
    const named =
      'id,ID,ids,key,uuid,guid,index,idx,rowid,row_id,rownum,row_num,row_number,row_name,rownames,row_names,unnamed: 0,vin,iban,isbn,ssn,serial,customer_id,order-no,order.number,order nbr,user_uuid,user_guid,a_key, id ,customerID,customerId,OrderNo,orderNbr,orderKey';
    const others =
      'idea,side,monkey,keys,valid,paid,keyword,rows,row_idx,xid,index_2,serial_a,no,number,piano,NO,ACCOUNTID,idle_a,customerIDs,Nod,vin2,my vin';
    expect(named.split(',').filter((name) => !isIdentifierName(name))).toEqual([]);
    expect(others.split(',').filter(isIdentifierName)).toEqual([]);
  });

  test('is made of days and moments with others', async () => {
    const moment = (i: number) => `${day(i >> 2)} 10:00:00`;
    const { definition } = await proposed(120, { moment, seq: (i) => `s${i % 4}`, x, y }, { label: 'y' });
    expect(definition.key).toEqual(['moment', 'seq']);
  });

  test('is made of an identifier and others that repeat nothing, though chance would have repeated some', async () => {
    const keyOf = async (rows: number, columns: Columns) =>
      (await proposed(rows, { size: (i) => 0.5 + (i % 3), ...columns, y }, { label: 'y' })).definition.key;
    const bits = (from: number, below: number) => (i: number) => `t${Math.floor(i / from) % below}`;
    expect(await keyOf(200, { day: (i) => day(i >> 2), seq: bits(1, 4) })).toEqual(['day', 'seq']);
    // Three pairs of 25 rows, of which there are 300, would be equal in two columns of ten values.
    const ten = (i: number) => (i < 20 ? i % 10 : i % 5);
    const apart = (i: number) => (i < 10 ? i : i < 20 ? (i + 1) % 10 : (i + 2) % 5);
    expect(await keyOf(25, { a_id: ten, b: (i) => `t${apart(i)}` })).toEqual(['a_id', 'b']);
    expect(await keyOf(25, { a_id: ten, b: (i) => `t${i === 24 ? 10 : apart(i)}` })).toBeUndefined();
    // Identifiers alone need no such sign.
    expect(await keyOf(25, { a_id: ten, b_id: (i) => `t${i === 24 ? 10 : apart(i)}` })).toEqual(['b_id', 'a_id']);
    // Without an identifier or a day there is none, nor in a table of 19 rows.
    expect(await keyOf(200, { shop: (i) => `s${i >> 2}`, seq: bits(1, 4) })).toBeUndefined();
    expect(await keyOf(20, { a_id: (i) => i >> 2, seq: bits(1, 4) })).toEqual(['a_id', 'seq']);
    expect(await keyOf(19, { a_id: (i) => i >> 2, seq: bits(1, 4) })).toBeUndefined();
    // As few columns as do it, and at most four.
    const of = (count: number): Columns => ({
      a_id: (i) => i >> (2 * count),
      ...Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, bits(4 ** n, 4)])),
    });
    expect(await keyOf(320, of(2))).toEqual(['a_id', 'c0', 'c1']);
    expect(await keyOf(640, of(3))).toEqual(['a_id', 'c0', 'c1', 'c2']);
    expect(await keyOf(1_024, of(4))).toBeUndefined();
    expect(await keyOf(320, { ...of(2), both: bits(1, 16) })).toEqual(['a_id', 'both']);
    // The number of a thing may be one of them, an amount that differs in half of the rows may not, nor a fraction.
    expect(await keyOf(320, { a_id: (i) => i >> 4, no: (i) => 3 * (i % 16) })).toEqual(['a_id', 'no']);
    expect(await keyOf(320, { a_id: (i) => i >> 4, amount: (i) => 3 * (i % 160) })).toBeUndefined();
    expect(await keyOf(320, { a_id: (i) => i >> 4, share: (i) => 0.5 + (i % 16) })).toBeUndefined();
  });

  test('is told with why it is', async () => {
    const told = (rows: number, columns: Columns, key?: string[]) =>
      textOf('key', rows, { ...columns, x, y }, { label: 'y', key });
    expect(await told(120, { a: (i) => i >> 1, b: (i) => i % 2 }, ['a', 'b'])).toBe(
      'a, b: as --key says; a value of its own in each of 120 rows',
    );
    // An identifier by its name comes before a column that merely differs in every row.
    expect(await told(120, { name: (i) => `n${i}`, order_no: (i) => `o${i}` })).toBe(
      'order_no: a value of its own in each of 120 rows',
    );
    expect(await told(120, { shop_id: (i) => i >> 2, seq: (i) => `s${i % 4}` })).toBe(
      'shop_id, seq: together they tell every row apart',
    );
    expect(await told(120, { account_no: (i) => Math.max(i, 1), other: (i) => i * 31 })).toMatch(
      /^none: no column tells all rows apart; nearly: account_no \(119 values in 120 of 120 rows\); /,
    );
  });

  test('is nearly one of texts and identifiers alone that repeat in less than a tenth of the rows', async () => {
    const near = async (columns: Columns, label = 'y') =>
      / nearly: (.*?); /.exec(
        (await textOf(
          'key',
          200,
          { size: (i) => 0.5 + (i % 3), ...columns, y },
          { label, task: label === 'y' ? undefined : 'regression' },
        ))!,
      )?.[1];
    const repeated = (distinct: number) => (i: number) => i % distinct;
    expect(await near({ a_no: repeated(181) })).toBe('a_no (181 values in 200 of 200 rows)');
    expect(await near({ a_no: repeated(180) })).toBeUndefined();
    expect(await near({ a: (i) => `t${i % 181}` })).toBe('a (181 values in 200 of 200 rows)');
    expect(await near({ amount: repeated(181), share: (i) => 0.25 + (i % 181) })).toBeUndefined();
    expect(await near({ a_no: repeated(181) }, 'a_no')).toBeUndefined();
    expect(await near({ a_no: repeated(199), b_no: repeated(199), c_no: repeated(199), d_no: repeated(199) })).toBe(
      ['a_no', 'b_no', 'c_no'].map((name) => `${name} (199 values in 200 of 200 rows)`).join(', '),
    );
  });

  test.each<[string, number, (i: number) => string | number, boolean]>([
    ['text in a table of 20 rows', 20, (i) => `n${i}`, true],
    ['text in a table of 19 rows', 19, (i) => `n${i}`, false],
    ['text of a hundred characters', 30, (i) => `${'n'.repeat(98)}${10 + i}`, true],
    ['text that is longer', 30, (i) => `${'n'.repeat(99)}${10 + i}`, false],
    ['numbers one after another', 30, (i) => 7 + i, true],
    ['numbers with gaps in a small table', 99, (i) => i * 31, false],
    ['numbers with gaps that come first', 100, (i) => i * 31, true],
    ['fractions', 120, (i) => i + 0.5, false],
  ])('is a column that differs in each row, where that is hardly chance: %s', async (_, rows, value, isKey) => {
    const { definition } = await proposed(rows, { value, x, y }, { label: 'y' });
    expect(definition.key).toBe(isKey ? 'value' : undefined);
  });
});

describe('time', () => {
  const y = (i: number) => mixed(i, 2);
  const of = (rows: number, columns: Columns, wishes: Partial<Wishes> = {}) =>
    proposed(rows, { x, ...columns, y }, { label: 'y', ...wishes });
  const told = async (rows: number, columns: Columns, wishes: Partial<Wishes> = {}) =>
    (await of(rows, columns, wishes)).decisions.find(({ topic }) => topic === 'time')!.text;

  test('is made of columns of a year, a month and a day that have these in every row', async () => {
    const timeOf = async (columns: Columns) =>
      (await of(200, { size: (i) => 0.5 + (i % 3), ...columns })).definition.time;
    const year = (i: number) => 2000 + (i % 9);
    const month = (i: number) => 1 + (i % 12);
    const date = (i: number) => 1 + (i % 28);
    for (const [years, months, days] of [
      ['yr', 'mon', 'dom'],
      ['yyyy', 'mm', 'dd'],
      ['year', 'mnth', 'mday'],
      ['year', 'month', 'day_of_month'],
      ['year', 'month', 'dayofmonth'],
    ] as const)
      expect(await timeOf({ [years]: year, [months]: month, [days]: date })).toBe(
        `make_date(${years}, ${months}, ${days})`,
      );
    expect(await timeOf({ Year: year, month, day: date })).toBe('make_date("Year", month, day)');
    expect(await timeOf({ ' year': year, month, day: date })).toBe('make_date(" year", month, day)');
    // No days of every row, or of every month.
    expect(await timeOf({ year, month, day: (i) => (i < 3 ? '' : date(i)) })).toBe('make_date(year, month, 1)');
    expect(await timeOf({ year, month, day: (i) => 1 + (i % 32) })).toBe('make_date(year, month, 1)');
    expect(await timeOf({ year, month, day: (i) => i % 31 })).toBe('make_date(year, month, 1)');
    expect(await timeOf({ year, month: (i) => 1 + (i % 13) })).toBeUndefined();
    expect(await timeOf({ year, month: (i) => i % 12 })).toBeUndefined();
    expect(await timeOf({ year: (i) => 999 + i, month })).toBeUndefined();
    expect(await timeOf({ year: (i) => (i < 3 ? '' : 2000), month })).toBeUndefined();
    expect(await timeOf({ year, month: (i) => (i < 3 ? '' : 2) })).toBeUndefined();
    expect(await timeOf({ years: year, month })).toBeUndefined();
    expect(await timeOf({ year, months: month })).toBeUndefined();
    expect(await timeOf({ month, day: date })).toBeUndefined();
    // Of what the day is made no model learns: of itself the month would tell the label.
    const made = await proposed(
      200,
      { size: (i) => 0.5 + mixed(i, 7), year, month, label: (i) => (month(i) > 6 ? 1 : 0) },
      { label: 'label' },
    );
    expect([made.definition.time, made.suspects]).toEqual(['make_date(year, month, 1)', []]);
    // A moment beside a day that is spelled out may be of another time zone; a day is what it says.
    const moment = (i: number) => `${day(i)} 23:30:00`;
    expect(await timeOf({ moment, year, month, day: date })).toBe('make_date(year, month, day)');
    expect(await timeOf({ moment, year, month })).toBe('moment');
    expect(await timeOf({ seen: day, year, month, day: date })).toBe('seen');
    // A 30th of February is no day.
    expect(await timeOf({ year, month: () => 2, day: () => 30 })).toBeUndefined();
  });

  test('is told with why it is, and what else it might be', async () => {
    expect(await told(200, { seen: day, sent: day })).toBe(
      'seen: a day in every row (so have sent); the store is cut by month',
    );
    expect(await told(200, { birthday: day })).toBe(
      'none: birthday seems to be of something else than the row (--time says otherwise); a file is the whole table each time',
    );
    expect(await told(200, { birthday: day, due: day })).toBe(
      'none: birthday, due seem to be of something else than the row (--time says otherwise); a file is the whole table each time',
    );
    expect(await told(200, { birthday: day }, { time: 'birthday' })).toBe(
      'birthday: as --time says; the store is cut by month',
    );
    expect(await told(200, { year: (i) => 2000 + (i % 9), month: (i) => 1 + (i % 12) })).toBe(
      'make_date(year, month, 1): made of its parts; the store is cut by month',
    );
    expect(await told(200, { seen: (i) => (i === 0 ? '2999-01-01' : day(i)) })).toBe(
      'seen: a day in every row; the store is cut by year; 1 row is of a day to come, and counts from then on',
    );
    expect(await told(200, { seen: (i) => (i === 0 ? '' : day(i)) })).toMatch(/^none: no column of days; /);
    expect(await told(200, { seen: () => day(0) })).toMatch(/^none: no column of days; /);
  });

  test.each<[string, (i: number) => string, string]>([
    ['62 days', (i) => day(i % 63), 'day'],
    ['63 days', (i) => day(i % 64), 'month'],
    ['first days of months alone', (i) => day(i % 2 === 0 ? 0 : 31), 'month'],
    ['29 years', (i) => `${1990 + (i % 30)}-01-02`, 'month'],
    ['30 years of 365 days, less 6 days', (i) => day(i % 2 ? 0 : 10_944), 'month'],
    ['a day more', (i) => day(i % 2 ? 0 : 10_945), 'year'],
    ['40 years', (i) => `${1980 + (i % 41)}-01-02`, 'year'],
  ])('cuts the store into no more partitions than there may be: %s', async (_, seen, partition) => {
    expect((await of(200, { size: (i) => 0.5 + (i % 3), seen })).definition.partition).toBe(partition);
  });

  test('splits at days, and at the beginnings of months where there are years of them', async () => {
    // Of 366 days, the 60th of a hundred is day 219, and the 80th day 292.
    const splitOf = async (days: number) => (await of(days, { seen: day })).definition.split;
    expect(await splitOf(366)).toEqual({ by: 'time', validation: '2020-08-07', test: '2020-10-19' });
    expect(await splitOf(367)).toEqual({ by: 'time', validation: '2020-08-01', test: '2020-10-01' });
    // In the first month, the day itself: the month would take all rows.
    const crowded = (first: number) => (i: number) => day(i < 190 ? first + Math.floor(i / 10) : 360 + i);
    const splitBy = async (seen: (i: number) => string) =>
      (await of(200, { size: (i) => 0.5 + (i % 3), seen })).definition.split;
    // Of 200 rows, the 120th is of the 12th day, the 160th of the 16th.
    expect(await splitBy(crowded(0))).toEqual({ by: 'time', validation: '2020-01-12', test: '2020-01-16' });
    expect(await splitBy(crowded(9))).toEqual({ by: 'time', validation: '2020-01-21', test: '2020-01-25' });
    // Nothing chooses where the two fifths are of one day, or where three are of the first.
    expect(await splitBy((i) => day(i < 100 ? i : 100))).toEqual({ by: 'time', test: '2020-04-10' });
    expect(await splitBy((i) => day(i < 130 ? 0 : i - 129))).toEqual({ by: 'time', test: '2020-01-31' });
    // One day is no time to split by.
    const one = await of(200, { size: (i) => 0.5 + (i % 3), seen: () => day(0) }, { time: 'seen' });
    expect([one.definition.time, one.definition.partition, one.definition.split]).toEqual(['seen', 'month', undefined]);
    // Most rows are of the first day: what comes after tests, and nothing is left to choose by.
    const late = await of(200, { seen: (i) => day(i < 190 ? 0 : 1) });
    expect(late.definition.split).toEqual({ by: 'time', test: '2020-01-02' });
    expect(late.decisions.find(({ topic }) => topic === 'split')!.text).toBe(
      'by time: what is from 2020-01-02 on tests, about a fifth of the rows',
    );
  });

  test('names columns as SQL needs them', async () => {
    const timeOf = async (name: string) => (await of(80, { [name]: day })).definition.time;
    expect(await timeOf('seen')).toBe('seen');
    expect(await timeOf('Seen At')).toBe('"Seen At"');
    expect(await timeOf('order')).toBe('"order"');
    expect(await timeOf('seen at')).toBe('"seen at"');
    expect(await timeOf('1st')).toBe('"1st"');
    expect(await timeOf('Seen')).toBe('"Seen"');
    expect(await timeOf('_day_2')).toBe('_day_2');
    expect(await timeOf('current_day')).toBe('"current_day"');
  });

  test('that is asked for may be SQL, and is refused where it gives no day for each row', async () => {
    expect((await of(80, { seen: day }, { time: "seen + INTERVAL '1 day'" })).definition).toMatchObject({
      time: "seen + INTERVAL '1 day'",
      partition: 'month',
    });
    // A column is named as SQL needs it, and no model learns from it, nor is it left out for its many values.
    const late = (i: number) => (i < 40 ? 0 : 1);
    const named = await proposed(80, { x, 'Due At': day, late }, { label: 'late', time: 'Due At' });
    expect([named.definition.time, named.suspects]).toEqual(['"Due At"', []]);
    const mixedDays = (i: number) => (i % 2 ? day(i) : `${day(i)}T10:00:00+02:00`);
    const text = await proposed(80, { x, told: mixedDays, late }, { label: 'late', time: 'told' });
    expect([text.definition.time, text.definition.drop]).toEqual(['told', undefined]);
    // What is to be predicted is no row's day.
    expect((await proposed(80, { x, seen: (i) => day(i % 3) }, { label: 'seen' })).definition.time).toBeUndefined();
    await expect(of(80, { seen: (i) => (i < 2 ? '' : day(i)) }, { time: 'seen' })).rejects.toMatchObject({
      type: 'InputInvalid',
      message: '--time seen gives no day for 2 of 80 rows; give SQL that does, or leave it out.',
    });
    await expect(of(80, {}, { time: 'nowhere' })).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(
        /^--time nowhere gives no days: .*Referenced column "nowhere" not found/,
      ) as string,
      cause: expect.any(Error) as Error,
    });
  });
});

describe('columns that may hold the answer', () => {
  test('are told with how much they tell, by their names where they tell some', async () => {
    const { suspects } = await proposed(
      2_000,
      {
        same: (i) => mixed(i, 100),
        price_last_year: (i) => mixed(i, 100) + 30 * (i % 3),
        other: (i) => mixed(i * 31 + (i >> 3), 89),
        price: (i) => mixed(i, 100) * 1.5,
      },
      { label: 'price' },
    );
    expect(suspects).toEqual([
      { columns: ['same'], reason: 'tells the label by itself (R² 1.00)' },
      {
        columns: ['price_last_year'],
        reason: expect.stringMatching(/^its name has the label's in it \(R² 0\.[0-9]{2}\)$/) as string,
      },
    ]);
  });

  test(`are told by names that scores and outcomes have, and by the label's`, async () => {
    const named =
      'pred,preds,predicted,prediction,predictions,prob,probs,proba,probability,probabilities,score,scores,scored,yhat,y_hat,fitted,residual,residuals,outcome,target,test_score,test score,test.score,test-score,score_2,score 2,score.2,score2,score-b,myPred,myProb,myScore,myTarget,myTarget2,myScoreA';
    const others =
      'problem,scoring,predict,predictor,underscore,targets,outcomes,scorex,resid,probably,fittedx,late_at,Scorer,unfitted,hat';
    const names = [...named.split(','), ...others.split(',')];
    const related = (i: number) => mixed(i * 31 + (i >> 3), 100) + (i % 5 < 2 ? 45 : 0) + 0.5;
    const columns = names.map((name): [string, (i: number) => number] => [name, related]);
    const { suspects } = await proposed(
      1_000,
      { ...Object.fromEntries(columns), late: (i) => (i % 5 < 2 ? 1 : 0) },
      { label: 'late' },
    );
    const reason = (text: string) => suspects.filter((suspect) => suspect.reason.startsWith(text));
    expect(
      reason('by its name it may come from a model or from the outcome (ROC AUC 0.')
        .flatMap(({ columns }) => columns)
        .sort(),
    ).toEqual(named.split(',').sort());
    expect(reason("its name has the label's in it (ROC AUC 0.")).toMatchObject([{ columns: ['late_at'] }]);
    expect(suspects).toHaveLength(named.split(',').length + 1);
  });

  test(`are not told by a short label's name`, async () => {
    const { suspects } = await proposed(
      500,
      { age_of: (i) => mixed(i, 100) + (i % 5 < 2 ? 45 : 0) + 0.5, age: (i) => (i % 5 < 2 ? 1 : 0) },
      { label: 'age' },
    );
    expect(suspects).toEqual([]);
  });

  test('are told of a label whose values hold quotes, and of days', async () => {
    const late = (i: number) => i % 5 < 2;
    const { suspects } = await proposed(
      500,
      {
        x,
        told: (i) => (i === 0 ? '' : day(late(i) ? 400 + mixed(i, 90) : mixed(i, 90))),
        y: (i) => (late(i) ? "it's" : "isn't"),
      },
      { label: 'y', positive: "it's" },
    );
    expect(suspects).toEqual([{ columns: ['told'], reason: 'tells the label by itself (ROC AUC 0.9994)' }]);
  });

  test('are sums and differences of whole multiples', async () => {
    const columns: Columns = {
      gross: (i) => mixed(i, 100) + 50,
      tax: (i) => mixed(i * 3 + 1, 37),
      units: (i) => mixed(i * 5 + (i >> 4), 11),
      noise: (i) => mixed(i * 13 + (i >> 2), 71),
    };
    const net = (i: number) => Number(columns.gross!(i)) - Number(columns.tax!(i)) - 2 * Number(columns.units!(i));
    const { suspects } = await proposed(600, { ...columns, net }, { label: 'net' });
    expect(suspects[0]).toEqual({
      columns: ['gross', 'tax', 'units'],
      reason: 'gross - tax - 2 * units is the label',
    });
    const half = await proposed(
      600,
      { ...columns, net: (i) => net(i) + Number(columns.tax!(i)) / 2 },
      { label: 'net' },
    );
    expect(half.suspects.filter(({ reason }) => reason.endsWith('is the label'))).toEqual([]);
  });
});

test('rare categories are told of text alone, and of files that are large enough to have others', async () => {
  const rare = (rows: number) =>
    textOf(
      'rare categories',
      rows,
      { x, kind: (i) => (i < 19 ? 'seldom' : 'often'), code: (i) => (i < 19 ? 1 : 2), y: (i) => mixed(i, 2) },
      { label: 'y' },
    );
  expect(await rare(200)).toBe('of fewer than 20 rows in kind; they are grouped');
  expect(await rare(199)).toBeUndefined();
});

test('columns without a name are counted, whatever else is wrong with names', async () => {
  const path = join(temporaryFolder(), 'table.csv');
  writeFileSync(path, ['"",x,"",y', ...Array.from({ length: 50 }, (_, i) => `1,${x(i)},2,${i % 2}`)].join('\n'));
  const { remarks } = await propose(await opened, path, 'table.csv', { label: 'y' });
  expect(remarks.find(({ topic }) => topic === 'names')!.text).toBe(
    '2 columns without a name; rename them in the file to have them read',
  );
});

describe('the short form of a pipeline', () => {
  const size = (i: number) => 0.5 + (i % 3);
  const y = (i: number) => mixed(i, 2);
  test.each<[string, Columns, Partial<Wishes>, Record<string, unknown>]>([
    ['nothing but a label', { size, y }, {}, { label: 'y', task: 'binary' }],
    ['a key', { id: (i) => i, size, y }, {}, { key: 'id', label: 'y', task: 'binary', partition: 'arrival' }],
    [
      'a key of two columns, and a positive value',
      { shop_id: (i) => i >> 2, seq: (i) => `s${i % 4}`, size, y: (i) => (i % 2 ? 'yes' : 'no') },
      {},
      { key: ['shop_id', 'seq'], label: { column: 'y', positive: 'yes' }, partition: 'arrival' },
    ],
    [
      'days, and a constant',
      { seen: (i) => day(i % 50), size, same: () => 7, y },
      {},
      {
        label: 'y',
        task: 'binary',
        time: 'seen',
        partition: 'day',
        drop: ['same'],
        split: { by: 'time', validation: '2020-01-30', test: '2020-02-09' },
      },
    ],
    [
      'entities, and counts',
      { shop_id: (i) => i % 100, size, y: (i) => mixed(i, 150) },
      {},
      {
        label: 'y',
        task: 'regression',
        objective: 'poisson',
        drop: ['shop_id'],
        split: { by: 'group', column: 'shop_id', validation: 0.2 },
      },
    ],
  ])('says of %s no more than that', async (_, columns, wishes, definition) => {
    const proposal = await proposed(200, columns, { label: 'y', ...wishes });
    expect(proposal.definition).toStrictEqual({ source: 'table.csv', ...definition });
    expect([proposal.rows, proposal.columns]).toEqual([200, Object.keys(columns).length]);
  });
});

test('a suite has the name of its file, and the classes of a label', async () => {
  const path = join(temporaryFolder(), 'table.csv');
  writeFileSync(path, ['x,y', ...Array.from({ length: 100 }, (_, i) => `${x(i)},${i % 2 ? 3 : 8}`)].join('\n'));
  const suite = async (file: string, wishes: Partial<Wishes> = {}) =>
    (await propose(await opened, path, file, { label: 'y', ...wishes })).expectations;
  expect((await suite('visits.2020.csv')).name).toBe('visits.2020');
  expect((await suite('visits')).name).toBe('visits');
  const known = async (wishes: Partial<Wishes>) =>
    (await suite('visits.csv', wishes)).expectations.filter(({ type }) => type === 'expect_column_values_to_be_in_set');
  expect(await known({})).toMatchObject([{ kwargs: { column: 'y', value_set: [3, 8] } }]);
  expect(await known({ task: 'regression' })).toEqual([]);
});

test('a file of fewer than a hundred rows is told to be small', async () => {
  const file = (rows: number) => textOf('file', rows, { id: (i) => i, x, y: (i) => i % 2 }, { label: 'y' });
  expect(await file(99)).toBe('99 rows, 3 columns, commas, utf-8; so few that metrics will say little');
  expect(await file(100)).toBe('100 rows, 3 columns, commas, utf-8');
});

test('rows that repeat are counted, and a file of columns that say nothing is refused', async () => {
  expect(await textOf('file', 100, { a: (i) => i % 50, y: (i) => i % 2 }, { label: 'y' })).toBe(
    '100 rows, 2 columns, commas, utf-8; 50 rows equal to another',
  );
  await expect(
    proposed(100, { id: (i) => `k${i}`, same: () => 1, y: (i) => i % 2 }, { label: 'y' }),
  ).rejects.toMatchObject({
    type: 'InputInvalid',
    message: expect.stringMatching(/table\.csv has no column to learn from beside y, id; give a file with more\.$/),
  });
  await expect(proposed(0, { a: x, y: x }, { label: 'y' })).rejects.toThrow(
    /table\.csv has a header and no rows; give a file with some\.$/,
  );
});

describe('what is said of columns', () => {
  const y = (i: number) => mixed(i, 2);
  const remark = (topic: string, columns: Columns) => textOf(topic, 300, { x, ...columns, y }, { label: 'y' });
  const some = (count: number, value: (i: number, column: number) => string | number): Columns =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, (i: number) => value(i, n)]));

  test('counts their names beyond eight', async () => {
    const sparse = (i: number, n: number) => ((i + n) % 4 === 0 ? mixed(i, 11) + 0.5 : '');
    const eight = 'c0 75%, c1 75%, c2 75%, c3 75%, c4 75%, c5 75%, c6 75%, c7 75%';
    expect(await remark('mostly empty', some(8, sparse))).toBe(eight);
    expect(await remark('mostly empty', some(9, sparse))).toBe(`${eight}, and 1 more`);
    const constant = 'c0, c1, c2, c3, c4, c5, c6, c7';
    expect(
      await remark(
        'drop',
        some(8, () => 1),
      ),
    ).toBe(`${constant}: one value in all rows, or none`);
    expect(
      await remark(
        'drop',
        some(9, () => 1),
      ),
    ).toBe(`${constant}, and 1 more: one value in all rows, or none`);
  });

  test('is at its limits what it says', async () => {
    expect(await remark('mostly empty', { half: (i) => (i % 2 ? '' : 0.5 + (i % 7)) })).toBeUndefined();
    expect(await remark('many categories', { kind: (i) => `k${i % 30}` })).toBeUndefined();
    expect(await remark('many categories', { kind: (i) => `k${i % 31}` })).toBe('kind 31');
    expect(await remark('many categories', { code: (i) => i % 31 })).toBeUndefined();
    expect(await remark('rare categories', { kind: (i) => `k${i % 30}` })).toMatch(/ in kind; they are grouped$/);
    expect(await remark('rare categories', { kind: (i) => `k${i % 31}` })).toBeUndefined();
    const kinds = (least: number) => (i: number) => (i < least ? 'seldom' : 'often');
    expect(await remark('rare categories', { a: kinds(19), b: kinds(20) })).toMatch(/ in a; they are grouped$/);
    expect(await remark('names', { a: kinds(99) })).toBeUndefined();
    expect(await remark('numbers as text', { a: kinds(99) })).toBeUndefined();
  });

  test('has an example of each', async () => {
    const amount = (signs: string) => (i: number) => `${signs[i % 2]!}${i}`;
    expect(await remark('numbers as text', { price: amount('$€'), cost: amount('£¥') })).toBe(
      'price (such as "$0"), cost (such as "£0"): read as categories; write plain numbers, or list what means "no value" in source.null_values',
    );
    expect(
      await remark(
        'many categories',
        some(2, (i, n) => `k${i % (31 + n)}`),
      ),
    ).toBe('c0 31, c1 32');
    expect(
      await remark(
        'rare categories',
        some(2, (i) => (i < 3 ? 'seldom' : 'often')),
      ),
    ).toBe('of fewer than 20 rows in c0, c1; they are grouped');
    expect(await remark('names', { a: x, A: x, file_row_number: x })).toBe(
      'A stands there twice, file_row_number is a reserved name; rename them in the file to have them read',
    );
  });

  test('leaves out texts and identifiers that differ nearly in each row, and no others', async () => {
    const dropped = async (rows: number, columns: Columns) =>
      (await proposed(rows, { size: (i) => 0.5 + (i % 3), ...columns, y }, { label: 'y' })).definition.drop;
    const text =
      (distinct: number, least = 0) =>
      (i: number) =>
        i < least ? '' : `t${i % distinct}`;
    expect(await dropped(300, { note: text(286, 0) })).toEqual(['note']);
    expect(await dropped(300, { note: text(285, 0) })).toBeUndefined();
    // Of those that have one.
    expect(await dropped(300, { note: text(300, 250) })).toEqual(['note']);
    expect(await dropped(300, { note: text(300, 251) })).toBeUndefined();
    // Amounts are told, and left to people.
    expect(await dropped(300, { price: (i) => `${i % 2 ? '$' : '€'}${i}` })).toBeUndefined();
    expect(await dropped(60, { note: text(60, 10) })).toEqual(['note']);
    expect(await dropped(60, { note: text(60, 11) })).toBeUndefined();
    expect(await dropped(2_000, { shop_id: (i) => i % 101 })).toEqual(['shop_id']);
    expect(await dropped(2_000, { shop_id: (i) => i % 100 })).toBeUndefined();
    expect(await dropped(2_000, { shop_id: (i) => `s${i % 101}` })).toEqual(['shop_id']);
    expect(await dropped(300, { shop_id: (i) => i % 51 })).toEqual(['shop_id']);
    expect(await dropped(300, { shop_id: (i) => i % 50 })).toBeUndefined();
    expect(await dropped(2_000, { shop_id: (i) => (i % 101) + 0.5 })).toBeUndefined();
    expect(await dropped(2_000, { shop: (i) => i % 101 })).toBeUndefined();
  });

  test('splits by an entity that every row has, and that repeats', async () => {
    const split = async (columns: Columns) =>
      (await proposed(2_000, { size: (i) => 0.5 + (i % 3), ...columns, y }, { label: 'y' })).definition.split;
    const by = (column: string) => ({ by: 'group', column, validation: 0.2 });
    expect(await split({ shop_id: (i) => i % 101 })).toEqual(by('shop_id'));
    expect(await split({ shop_id: (i) => `s${i % 101}` })).toEqual(by('shop_id'));
    expect(await split({ shop_id: (i) => i % 100 })).toBeUndefined();
    expect(await split({ shop_id: (i) => (i % 101) + 0.5 })).toBeUndefined();
    expect(await split({ shop: (i) => i % 101 })).toBeUndefined();
    expect(await split({ shop_id: (i) => (i === 0 ? '' : i % 101) })).toBeUndefined();
    expect(await split({ shop_id: (i) => i % 1_960 })).toBeUndefined();
    expect(await split({ shop_id: (i) => i % 1_959 })).toEqual(by('shop_id'));
  });
});

describe('the first expectations', () => {
  test('name at most twenty categories, and leave numbers room on either side', async () => {
    const { expectations } = await proposed(
      300,
      {
        twenty: (i) => `k${String(i % 20).padStart(2, '0')}`,
        more: (i) => `k${i % 21}`,
        three: (i) => i % 3,
        below: (i) => -5 - (i % 7),
        same: (i) => (i % 300 < 150 ? 0.25 : 0.25000001),
        y: (i) => mixed(i, 3),
      },
      { label: 'y' },
    );
    const of = (type: string) =>
      expectations.expectations
        .filter((expectation) => expectation.type === `expect_column_values_to_be_${type}`)
        .map(({ kwargs }) => kwargs);
    expect(of('in_set').map(({ column, value_set }) => [column, (value_set as unknown[]).length])).toEqual([
      ['twenty', 20],
    ]);
    // From -11 to -5, and 6 more on either side: no positive numbers where there are none.
    expect(of('between')).toEqual([
      { column: 'three', min_value: 0, max_value: 4, mostly: 0.99 },
      { column: 'below', min_value: -17, max_value: 0, mostly: 0.99 },
      { column: 'same', min_value: 0, max_value: 0.26, mostly: 0.99 },
    ]);
  });
});
