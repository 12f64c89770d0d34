import { z } from 'zod';
import type { InputColumn } from '../data/inputColumns.js';
import type { FittedColumn } from '../ml/transforms/fitted.js';
import { taskOf } from '../ml/tasks/task.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import type { Preprocessing } from './versions.js';

/** `signature.json` of a version: what its input may be, what becomes of other values, and what a prediction has. */
export const modelSignature = document({
  name: 'signature of a version',
  schema: z.strictObject({
    inputs: z.array(
      z.strictObject({
        name: z.string(),
        type: z.enum(['number', 'text', 'date']),
        /** Smallest and largest value that the model tells from others. */
        range: z.tuple([z.number(), z.number()]).optional(),
        /** Values that the model knows, as text. */
        categories: z.array(z.string()).optional(),
        /** What becomes of a missing value. */
        missing: z.string(),
        /** What becomes of a value outside the range, or of one that is none of the categories. */
        outside: z.string(),
      }),
    ),
    outputs: z.array(z.strictObject({ name: z.string(), type: z.string() })),
  }),
});
export type ModelSignature = DocumentOf<typeof modelSignature>;
type SignatureInput = ModelSignature['inputs'][number];

const TYPES = { number: 'number', category: 'text', date: 'date' } as const satisfies Record<
  InputColumn['kind'],
  string
>;
const STAYS = 'stays missing';

/** The signature that follows from what was fitted on the training rows. */
export function signatureOf({
  task,
  inputs,
  transforms,
}: Pick<Preprocessing, 'task' | 'inputs' | 'transforms'>): ModelSignature {
  const { width, predictionColumns } = taskOf(task);
  return {
    inputs: inputs.map((input) =>
      inputOf(
        input,
        transforms.columns.find(({ column }) => column === input.name),
      ),
    ),
    outputs: predictionColumns({ values: new Float64Array(0), width }, 0.5).map(({ name, type }) => ({ name, type })),
  };
}

function inputOf({ name, kind }: InputColumn, fitted: FittedColumn | undefined): SignatureInput {
  const found: SignatureInput = { name, type: TYPES[kind], missing: STAYS, outside: 'is taken as it is' };
  for (const step of fitted?.steps ?? []) {
    if ('impute' in step) {
      const value = Array.isArray(step.impute) ? step.impute[0]?.value : JSON.stringify(step.impute.value);
      if (value !== undefined && found.missing === STAYS) found.missing = `becomes ${value}`;
    } else if ('clip' in step) {
      const bounds = step.clip[0];
      // Later bounds are of numbers that were changed before.
      if (bounds && kind === 'number' && fitted!.steps.every((other) => other === step || !changes(other)))
        Object.assign(found, { range: bounds, outside: 'is moved to the nearer bound' });
    } else if ('one_hot' in step) {
      const { categories, rare, drop_first } = step.one_hot;
      const unknown = rare
        ? 'counts as one of the rare values'
        : drop_first
          ? 'is missing'
          : 'is none of the categories: each of their columns is 0';
      known(found, [...categories, ...(rare ?? [])], unknown);
    } else if ('ordinal' in step || 'categorical' in step) {
      const { categories } = 'ordinal' in step ? step.ordinal : step.categorical;
      known(found, categories, 'is missing', STAYS);
    } else if ('target' in step) {
      known(found, step.target.categories, 'gets the mean of the training rows');
    }
  }
  return found;
}

/** Whether a step before a clip makes its bounds those of other numbers than the input's. */
function changes(step: FittedColumn['steps'][number]): boolean {
  return 'log' in step;
}

function known(found: SignatureInput, categories: (string | null)[], outside: string, missing?: string): void {
  found.categories = categories.filter((category) => category !== null);
  found.outside = outside;
  if (found.missing === STAYS)
    found.missing = missing ?? (categories.includes(null) ? 'is a category of its own' : outside);
}
