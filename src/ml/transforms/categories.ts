import { PerdureError } from '../../errors.js';
import { categoryPositions, sortedCategories } from './categoryCodes.js';
import { categoriesOf, type Flow, type StepContext, type Transform } from './flow.js';
import type { FittedStep } from './fitted.js';
import type { StepSettings } from './transforms.js';

type Of<Kind extends string> = Transform<StepSettings<Kind>, Extract<FittedStep, Record<Kind, unknown>>[Kind]>;

const RARE = 'rare';
const MISSING = 'missing';

/** A column per category: scikit-learn's `OneHotEncoder(handle_unknown="infrequent_if_exist")`. */
export const oneHot: Of<'one_hot'> = {
  fit({ max_categories, min_frequency, drop }, flow, context) {
    const { codes, values } = categoriesOf(flow, 'one_hot', context);
    const all = sortedCategories(codes, values, flow.kind === 'number');
    const least = min_frequency === undefined ? 0 : min_frequency < 1 ? min_frequency * codes.length : min_frequency;
    const rare = new Set(all.filter(({ rows }) => rows < least));
    if (max_categories !== undefined && all.length - rare.size + 1 > max_categories) {
      // As scikit-learn counts, the rare ones' column is one of them, also where nothing was rare yet.
      const ascending = [...all].sort((a, b) => a.rows - b.rows);
      for (const category of ascending.slice(0, ascending.length - (max_categories - 1))) rare.add(category);
    }
    const own = all.filter((category) => !rare.has(category)).map(({ category }) => category);
    const shared = rare.size > 0 ? all.filter((category) => rare.has(category)).map(({ category }) => category) : null;
    return { categories: own, rare: shared, drop_first: drop === 'if_binary' && own.length + (shared ? 1 : 0) === 2 };
  },

  apply({ categories, rare, drop_first }, flow, context) {
    const { name, codes, values } = categoriesOf(flow, 'one_hot', context);
    const unknown = rare ? categories.length : -1;
    const width = categories.length + (rare ? 1 : 0);
    const columns = Array.from({ length: width }, () => new Float32Array(codes.length));
    categoryPositions(categories, codes, values).forEach((listed, row) => {
      const position = listed < 0 ? unknown : listed;
      if (position >= 0) columns[position]![row] = 1;
      // One column says which of two values a row has; 0 would say the first of a row that has neither.
      else if (drop_first) columns[1]![row] = NaN;
    });
    const names = [...categories.map((category) => category ?? MISSING), ...(rare ? [RARE] : [])];
    const parts = columns.map((column, i) => ({ name: `${name}=${names[i]!}`, values: column }));
    return { kind: 'number', parts: drop_first ? parts.slice(1) : parts };
  },
};

type Listed = { categories: string[] };

function positions({ categories }: Listed, step: string, flow: Flow, context: StepContext): Flow {
  const { name, codes, values } = categoriesOf(flow, step, context);
  const listed = categoryPositions(categories, codes, values);
  return {
    kind: 'number',
    parts: [{ name, values: Float64Array.from(listed, (position) => (position < 0 ? NaN : position)) }],
  };
}

function seen(step: string, flow: Flow, context: StepContext): Listed {
  const { codes, values } = categoriesOf(flow, step, context);
  return {
    categories: sortedCategories(codes, values, flow.kind === 'number').flatMap(({ category }) => category ?? []),
  };
}

/** Values that a column may have many of. */
function shown(categories: string[]): string {
  const texts = categories.slice(0, 10).map((category) => JSON.stringify(category));
  return texts.join(', ') + (categories.length > texts.length ? ' and others' : '');
}

/** Positions in a list: scikit-learn's `OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=nan)`. */
export const ordinal: Of<'ordinal'> = {
  fit({ categories }, flow, context) {
    const found = seen('ordinal', flow, context);
    if (!categories) return found;
    const known = new Set(categories);
    if (found.categories.length > 0 && !found.categories.some((category) => known.has(category)))
      throw new PerdureError(
        'ConfigInvalid',
        `The step "ordinal" of the column ${JSON.stringify(context.column)} lists none of its values, which are ${shown(found.categories)}; correct "categories".`,
      );
    return { categories };
  },
  apply: (fitted, flow, context) => positions(fitted, 'ordinal', flow, context),
};

/** The same positions, which an estimator takes as names of categories: pandas' `category` type. */
export const categorical: Of<'categorical'> = {
  fit: (_settings, flow, context) => seen('categorical', flow, context),
  apply: (fitted, flow, context) => positions(fitted, 'categorical', flow, context),
};
