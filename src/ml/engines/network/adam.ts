const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** The moving means of the gradients and of their squares, for each array of numbers, and the steps so far. */
export interface AdamState {
  steps: number;
  means: Float32Array[];
  squares: Float32Array[];
}

export function initialAdam(arrays: readonly Float32Array[]): AdamState {
  const zeros = () => arrays.map(({ length }) => new Float32Array(length));
  return { steps: 0, means: zeros(), squares: zeros() };
}

/**
 * A step of Adam (Kingma & Ba, 2015, algorithm 1), in place. As in PyTorch's `Adam`, the penalty of the squared numbers is
 * part of the gradient, and biases have it too.
 *
 * @param gradients aligned with the arrays
 */
export function stepAdam(
  arrays: readonly Float32Array[],
  gradients: readonly Float32Array[],
  state: AdamState,
  { rate, decay }: { rate: number; decay: number },
): void {
  state.steps++;
  const size = rate / (1 - BETA1 ** state.steps);
  const correction = Math.sqrt(1 - BETA2 ** state.steps);
  arrays.forEach((numbers, of) => {
    const [gradient, means, squares] = [gradients[of]!, state.means[of]!, state.squares[of]!];
    for (let at = 0; at < numbers.length; at++) {
      const g = gradient[at]! + decay * numbers[at]!;
      const mean = (means[at] = BETA1 * means[at]! + (1 - BETA1) * g);
      const square = (squares[at] = BETA2 * squares[at]! + (1 - BETA2) * g * g);
      numbers[at]! -= (size * mean) / (Math.sqrt(square) / correction + EPSILON);
    }
  });
}
