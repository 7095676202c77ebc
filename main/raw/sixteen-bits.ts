/** Converts light to 16-bit samples that keep noise below black and highlights above white. */

/** Room for noise below black: 3 % of the range. */
const pedestal = 2048;
const most = 65_535;
/** The network sees at most four times white, whatever the ratio. */
const maxHeadroom = 4;

export interface SixteenBits {
  readonly samples: Uint16Array;
  readonly blackLevel: number;
  readonly whiteLevel: number;
}

/**
 * @param count number of samples
 * @param lightAt light of one sample: 0 is black, 1 is white
 * @param brightest the brightest sample; light above 4 times white is clipped
 */
export function toSixteenBits(
  count: number,
  brightest: number,
  lightAt: (index: number) => number,
): SixteenBits {
  const headroom = Math.min(maxHeadroom, Math.max(1, brightest));
  const range = Math.floor((most - pedestal) / headroom);
  const samples = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const value = lightAt(i) * range + pedestal + 0.5;
    // NaN becomes black.
    samples[i] = value >= most ? most : value > 0 ? value : Number.isNaN(value) ? pedestal : 0;
  }
  return { samples, blackLevel: pedestal, whiteLevel: pedestal + range };
}

/** As `toSixteenBits`, of light that lies in an array. */
export function sixteenBitsOf(light: Float32Array): SixteenBits {
  return toSixteenBits(light.length, brightestOf(light), (at) => light[at]!);
}

/** The largest of finite samples; -Infinity of none. */
function brightestOf(samples: Float32Array): number {
  let brightest = Number.NEGATIVE_INFINITY;
  // Comparisons with NaN are false, so NaN is ignored.
  for (let i = 0; i < samples.length; i++) if (samples[i]! > brightest) brightest = samples[i]!;
  return brightest;
}
