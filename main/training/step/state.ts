/** What each step changes: the weights and the optimiser's moments. */

export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  /** [parameters] each */
  readonly weights: Float32Array;
  readonly momentum: Float32Array;
  readonly variance: Float32Array;
}

/** The state before the first step, for given weights. */
export function stateOf(weights: Float32Array): TrainingState {
  const zeros = (): Float32Array => new Float32Array(weights.length);
  return { step: 0, weights, momentum: zeros(), variance: zeros() };
}
