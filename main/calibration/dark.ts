/** Measures dark frames: one ISO, one exposure, lens cap on. */

import type { DarkMeasurement, Figure } from '../../preload/contract/camera-profile.ts';
import { ShadingRows, type ShadingMap } from '../develop/shading.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import { clippedMax, type FrameLevels } from './levels.ts';
import { expectedCounts, fitSigmas, fitTails, type NoiseCounts, type TailFit } from './tails.ts';

/** A pixel that is too bright in nearly every frame. */
export interface HotPixel {
  /** y · width + x. */
  readonly index: number;
  readonly excessDn: number;
}

/** A candidate hot pixel: how many frames it stood out in, and its total excess. */
interface Suspect {
  frames: number;
  sumDn: number;
}

/** Sums over pairs of neighbouring samples. */
interface Products {
  across: number;
  down: number;
  acrossCount: number;
  downCount: number;
  squares: number;
  count: number;
}

/** A hot pixel stands out in at least this share of the frames. */
const hotFrameShare = 0.6;
/** With three frames or fewer, only a higher brightness rules out chance. */
const hotSigmasOfFew = 8;

/** Processes one frame at a time and keeps little of each, whatever its size. */
export class DarkGroup {
  readonly width: number;
  readonly height: number;
  #frames = 0;
  readonly #means: number[][] = [];
  readonly #sigmas: number[][] = [];
  readonly #opticalBlacks: (readonly number[])[] = [];
  #shading: { readonly columns: number; readonly rows: number; readonly sums: Float64Array[] };
  #counts: NoiseCounts | undefined;
  #rowVariance = 0;
  #columnVariance = 0;
  #clippedShare = 0;
  readonly #products: Products = {
    across: 0, down: 0, acrossCount: 0, downCount: 0, squares: 0, count: 0,
  }; // prettier-ignore
  #suspects = new Map<number, Suspect>();

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#shading = { columns: 0, rows: 0, sums: [] };
  }

  get frames(): number {
    return this.#frames;
  }

  /** @param levels,shading of the same mosaic; the caller has them from its check for light */
  add(mosaic: Mosaic, levels: FrameLevels, shading: ShadingMap): void {
    this.#frames += 1;
    this.#means.push(levels.sites.map(({ mean }) => mean));
    this.#sigmas.push(levels.sites.map(({ sigma }) => sigma));
    if (mosaic.opticalBlack !== undefined) this.#opticalBlacks.push(mosaic.opticalBlack);
    this.#clippedShare += levels.clippedShare;
    this.#addShading(shading);
    this.#counts ??= emptyCounts(levels);
    const rows = new ShadingRows(shading, mosaic.width, mosaic.height);
    const lines = lineOffsets(mosaic, levels, rows);
    this.#rowVariance += lines.rowVariance;
    this.#columnVariance += lines.columnVariance;
    this.#tally(mosaic, levels, rows, lines, this.#counts);
    this.#dropSuspects();
  }

  #addShading({ columns, rows, sites }: ShadingMap): void {
    if (this.#shading.columns === 0)
      this.#shading = { columns, rows, sums: sites.map((site) => new Float64Array(site.length)) };
    this.#shading.sums.forEach((sums, site) => {
      sites[site]?.forEach((value, cell) => {
        sums[cell]! += value;
      });
    });
  }

  /** Counts the residual of each sample after black, shading, row and column are subtracted. */
  #tally(
    mosaic: Mosaic,
    { sites }: FrameLevels,
    shading: ShadingRows,
    { rowDn, columnDn }: LineOffsets,
    { counts, middle, step, perStep }: NoiseCounts,
  ): void {
    const { samples, width, height } = mosaic;
    const products = this.#products;
    const binsPerDn = perStep / step;
    const pedestal = new Float32Array(width);
    // Residuals of this row and the two before it; NaN where a sample stood out.
    const ring = [0, 1, 2].map(() => new Float32Array(width).fill(Number.NaN));
    for (let y = 0; y < height; y++) {
      const left = ring[y % 3]!;
      const above = ring[(y + 1) % 3]!;
      for (const x0 of [0, 1] as const) {
        const site = (y & 1) * 2 + x0;
        const { mean, sigma } = sites[site]!;
        const limit = fitSigmas * sigma;
        shading.read(site, y, x0, pedestal);
        for (let x = x0, at = y * width + x0; x < width; x += 2, at += 2) {
          const dn = samples[at]! - mean - pedestal[x]! - rowDn[y]! - columnDn[x]!;
          const bin = middle + Math.round(dn * binsPerDn);
          if (bin >= 0 && bin < counts.length) counts[bin]! += 1;
          if (dn > limit) this.#suspect(at, dn);
          left[x] = dn > limit || dn < -limit ? Number.NaN : dn;
        }
      }
      for (let x = 0; x < width; x++) {
        const dn = left[x]!;
        if (dn !== dn) continue;
        products.squares += dn * dn;
        products.count++;
        const before = x > 1 ? left[x - 2]! : Number.NaN;
        if (before === before) {
          products.across += dn * before;
          products.acrossCount++;
        }
        const over = above[x]!;
        if (over === over) {
          products.down += dn * over;
          products.downCount++;
        }
      }
    }
  }

  #suspect(index: number, dn: number): void {
    const known = this.#suspects.get(index);
    if (known === undefined) this.#suspects.set(index, { frames: 1, sumDn: dn });
    else {
      known.frames += 1;
      known.sumDn += dn;
    }
  }

  /** Drops candidates that were chance, so that their number stays bounded. */
  #dropSuspects(): void {
    const needed = hotFrameShare * this.#frames;
    if (this.#frames < 2) return;
    for (const [index, { frames }] of this.#suspects) {
      // One more miss than allowed is forgiven, because later frames may still confirm it.
      if (frames + 1 < needed) this.#suspects.delete(index);
    }
  }

  /** The result of all frames; at least one was added. */
  finish(exposureSeconds: number | undefined): {
    readonly measurement: DarkMeasurement;
    readonly hotPixels: readonly HotPixel[];
  } {
    const counts = this.#counts;
    if (counts === undefined) throw new RangeError('expected at least one dark frame');
    const sigmaGuess = middleOf(this.#sigmas.flat());
    const clippedShare = this.#clippedShare / this.#frames;
    const isClipped = clippedShare > clippedMax;
    const cells = this.#shading.columns * this.#shading.rows;
    const samples = this.width * this.height;
    // Subtracting the frame's own shading, rows and columns also removed some of its noise.
    const freedom = 1 - 1 / this.width - 1 / this.height - (4 * cells) / samples;
    const fit = widened(fitTails(counts, sigmaGuess, { isClipped }), 1 / Math.sqrt(freedom));
    const variance = fit.sigma.value ** 2 + counts.step ** 2 / 12;
    const rows = this.#lineSigma(this.#rowVariance, variance, this.height, this.width);
    const columns = this.#lineSigma(this.#columnVariance, variance, this.width, this.height);
    const meanError = Math.sqrt(
      (4 * variance) / samples +
        (2 * rows.value ** 2) / this.height +
        (2 * columns.value ** 2) / this.width,
    );
    const { blackLevel, drift } = this.#black(meanError, isClipped ? counts.step : 0);
    const hotPixels = this.#hotPixels(fit.sigma.value);
    const { squares, count, across, acrossCount, down, downCount } = this.#products;
    const meanSquare = Math.max(squares / Math.max(1, count), 1e-12);
    const correlation = (sum: number, pairs: number): Figure => ({
      value: sum / Math.max(1, pairs) / meanSquare,
      error: 1 / Math.sqrt(Math.max(1, pairs)),
    });
    const optical = this.#opticalBlack();
    const measurement: DarkMeasurement = {
      ...(exposureSeconds === undefined ? {} : { exposureSeconds }),
      frames: this.#frames,
      blackLevel,
      ...(optical === undefined ? {} : { opticalBlack: optical }),
      ...(drift === undefined ? {} : { blackDriftDn: drift }),
      readSigmaDn: fit.sigma,
      tukeyLambda: fit.lambda,
      tukeyScaleDn: fit.scale,
      rowSigmaDn: rows,
      columnSigmaDn: columns,
      shading: this.#meanShading(variance, cells),
      correlation: {
        across: correlation(across, acrossCount),
        down: correlation(down, downCount),
      },
      clippedShare,
      hot: { share: hotPixels.length / samples, excessDn: decilesOf(hotPixels) },
      curve: curveOf(counts, fit),
    };
    return { measurement, hotPixels };
  }

  /** The means of rows (or columns) vary by their own offsets and by the noise of each mean. */
  #lineSigma(sum: number, variance: number, lines: number, samplesInLine: number): Figure {
    const seen = sum / this.#frames;
    const ofMean = variance / samplesInLine;
    const own = Math.max(0, seen - ofMean);
    // More frames do not average out a pattern that is the same in each.
    const error = Math.sqrt(2 / lines) * seen;
    const value = Math.sqrt(own);
    return { value, error: Math.min(Math.sqrt(error), error / Math.max(2 * value, 1e-9)) };
  }

  #black(meanError: number, leastError: number) {
    const frames = this.#frames;
    const means = [0, 1, 2, 3].map((site) => {
      const values = this.#means.map((of) => of[site] ?? 0);
      const mean = values.reduce((sum, value) => sum + value, 0) / frames;
      const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return { mean, variance: frames > 1 ? spread / (frames - 1) : 0 };
    });
    const between = means.reduce((sum, { variance }) => sum + variance, 0) / 4;
    const error = Math.max(Math.sqrt(Math.max(between, meanError ** 2) / frames), leastError);
    const level = (site: number): Figure => ({ value: means[site]?.mean ?? 0, error });
    const value = Math.sqrt(Math.max(0, between - meanError ** 2));
    const drift =
      frames > 1 ? { value, error: Math.sqrt(between / (2 * (frames - 1))) } : undefined;
    const blackLevel: DarkMeasurement['blackLevel'] = [level(0), level(1), level(2), level(3)];
    return { blackLevel, drift };
  }

  #opticalBlack(): DarkMeasurement['opticalBlack'] {
    if (this.#opticalBlacks.length < this.#frames) return undefined;
    const mean = (site: number): number =>
      this.#opticalBlacks.reduce((sum, of) => sum + (of[site] ?? 0), 0) / this.#frames;
    return [mean(0), mean(1), mean(2), mean(3)];
  }

  #meanShading(variance: number, cells: number): DarkMeasurement['shading'] {
    const { columns, rows, sums } = this.#shading;
    const map = (site: number): number[] =>
      Array.from(sums[site] ?? [], (sum) => rounded(sum / this.#frames, 4));
    const samplesInCell = (this.width * this.height) / (4 * cells);
    return {
      columns,
      rows,
      sites: [map(0), map(1), map(2), map(3)],
      errorDn: Math.sqrt(variance / (samplesInCell * this.#frames)),
    };
  }

  #hotPixels(sigma: number): readonly HotPixel[] {
    const frames = this.#frames;
    // A single frame cannot tell a hot pixel from noise.
    if (frames < 2) return [];
    const found: HotPixel[] = [];
    for (const [index, suspect] of this.#suspects) {
      const excessDn = suspect.sumDn / suspect.frames;
      const isHot =
        frames <= 3
          ? suspect.frames === frames && excessDn > hotSigmasOfFew * sigma
          : suspect.frames >= hotFrameShare * frames;
      if (isHot) found.push({ index, excessDn });
    }
    return found.sort((a, b) => b.excessDn - a.excessDn || a.index - b.index);
  }
}

interface LineOffsets {
  readonly rowDn: Float32Array;
  readonly columnDn: Float32Array;
  /** Variance of the offsets including the noise of each mean, DN². */
  readonly rowVariance: number;
  readonly columnVariance: number;
}

/** Means of rows and columns, after black and shading. */
function lineOffsets(mosaic: Mosaic, { sites }: FrameLevels, shading: ShadingRows): LineOffsets {
  const { samples, width, height } = mosaic;
  const rowDn = new Float32Array(height);
  const columnSums = new Float64Array(width);
  const columnCounts = new Uint32Array(width);
  const pedestal = new Float32Array(width);
  for (let y = 0; y < height; y++) {
    let sum = 0;
    let count = 0;
    for (const x0 of [0, 1] as const) {
      const site = (y & 1) * 2 + x0;
      const { mean, low, high } = sites[site]!;
      shading.read(site, y, x0, pedestal);
      for (let x = x0, at = y * width + x0; x < width; x += 2, at += 2) {
        const sample = samples[at]!;
        if (sample < low || sample > high) continue;
        const dn = sample - mean - pedestal[x]!;
        sum += dn;
        count++;
        columnSums[x]! += dn;
        columnCounts[x]! += 1;
      }
    }
    rowDn[y] = sum / Math.max(1, count);
  }
  const columnDn = Float32Array.from(columnSums, (sum, x) => sum / Math.max(1, columnCounts[x]!));
  return {
    rowDn,
    columnDn,
    rowVariance: varianceOf(rowDn),
    columnVariance: varianceOf(columnDn),
  };
}

function varianceOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return squares / Math.max(1, values.length - 1);
}

function middleOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 1;
}

/** Bins are finer than the file's step where that adds information, and cover ±8 σ. */
function emptyCounts({ sites, step }: FrameLevels): NoiseCounts {
  const sigma = Math.max(...sites.map((site) => site.sigma));
  const perStep = sigma < 8 * step ? 16 : sigma < 64 * step ? 4 : 2;
  const middle = Math.ceil((8 * sigma) / step + 4) * perStep;
  return { counts: new Uint32Array(2 * middle + 1), middle, step, perStep };
}

function widened(fit: TailFit, by: number): TailFit {
  const times = ({ value, error }: Figure): Figure => ({ value: value * by, error: error * by });
  return { ...fit, sigma: times(fit.sigma), scale: times(fit.scale) };
}

/** The 5 %, 15 % … 95 % quantiles of a list sorted by brightness. */
function decilesOf(hotPixels: readonly HotPixel[]): number[] {
  if (hotPixels.length === 0) return [];
  return Array.from({ length: 10 }, (_, index) => {
    const at = Math.floor((1 - (index + 0.5) / 10) * hotPixels.length);
    return rounded(hotPixels[Math.min(at, hotPixels.length - 1)]?.excessDn ?? 0, 2);
  });
}

/** Rounds to significant digits, because the profile is read, sent and drawn. */
function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}

/** The most bins of the curve in the window. */
const curveBins = 120;
const curveSigmas = 5;

function curveOf(data: NoiseCounts, fit: TailFit): DarkMeasurement['curve'] {
  const { counts, middle, step, perStep } = data;
  const reach = Math.max(curveSigmas * fit.sigma.value, 2 * step);
  // Whole multiples, so that every drawn bin holds the same number of counted bins.
  const binSteps = Math.max(1, Math.ceil((2 * reach) / step / curveBins));
  const binDn = binSteps * step;
  const half = Math.ceil(reach / binDn);
  const bins = 2 * half + 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const densities = (of: Uint32Array | Float64Array): number[] =>
    Array.from({ length: bins }, (_, index) => {
      const first = middle + ((index - half) * binSteps - binSteps / 2) * perStep;
      let sum = 0;
      for (let bin = first; bin < first + binSteps * perStep; bin++) sum += of[bin] ?? 0;
      return rounded(sum / total / binDn, 7);
    });
  return {
    firstDn: -half * binDn,
    binDn,
    measured: densities(counts),
    fitted: densities(expectedCounts(data, fit)),
  };
}
