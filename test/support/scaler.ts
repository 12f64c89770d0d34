import type { FittedTransforms } from '../../src/ml/transforms/fitted.js';

/** What the standard scaler learned of each column that it scales. */
export function scalerOf({
  transforms,
}: {
  transforms: FittedTransforms;
}): Record<string, { mean: number; scale: number }> {
  return Object.fromEntries(
    transforms.columns.flatMap(({ column, steps }) =>
      steps.flatMap((step) =>
        'scale' in step ? [[column, { mean: step.scale[0]!.center, scale: step.scale[0]!.scale }]] : [],
      ),
    ),
  );
}
