/** Scores a network against the long exposure of a pair, beside the amplified short exposure. */

import { cameraToOutput } from '../develop/colour.ts';
import { isLinear } from '../develop/dialect.ts';
import { normalisation } from '../develop/normalise.ts';
import { shiftToRggb, siteColours } from '../raw/cfa.ts';
import type { Mosaic, Vector3 } from '../raw/mosaic.ts';
import { throwIfCancelled } from '../base/refusal.ts';
import { demosaicRim, demosaicSquare } from '../training/pairs/patches/demosaic.ts';
import { psnr, rendered, scoreRendered, type LinearRgb } from '../training/validation/metrics.ts';
import { networkPicture, type ScoredNetwork } from './network-picture.ts';
import type { LoadedPair } from '../training/pairs/patches/patches.ts';
import type { FinishedPicture } from '../training/pairs/picture.ts';

export interface PairScores {
  /**
   * PSNR at the sensor's own samples, white 1, before white balance, dB: what raw denoisers publish.
   * Absent where the target or the network's answer is a finished picture.
   */
  readonly raw?: { readonly plain: number; readonly aligned: number };
  /** PSNR and SSIM (of luma) of sRGB pictures, as "Learning to See in the Dark" publishes. */
  readonly srgb: { readonly psnr: number; readonly ssim: number };
}

export interface PairEvaluation {
  readonly network: PairScores;
  /** The short exposure, only amplified and demosaiced. */
  readonly amplified: PairScores;
}

/** Side of the squares that are demosaiced at a time, including their rim. */
const squareSide = 512;

export interface PairEvaluationRequest {
  readonly pair: LoadedPair;
  readonly network: ScoredNetwork;
  /** Longest side of the crop from the middle, pixels. */
  readonly crop: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Develops the short exposure and scores it. Rendered pictures have the short exposure's white
 * balance on both sides, but the long one's own on the target's where the network chose its own.
 * Both sides are clipped to 0 … 1.
 * @throws Refusal `cancelled`; whatever `run` throws
 */
export async function evaluatePair(request: PairEvaluationRequest): Promise<PairEvaluation> {
  const { network, crop, signal } = request;
  const pair = middle(request.pair, crop);
  const { short, target, ratio } = pair;
  const isPainter = !isLinear(network.terms);
  const gains = short.colour.asShotGains;
  const light = await networkPicture(short, ratio, network, signal);
  throwIfCancelled(signal);
  const amplified = demosaiced(short, ratio, gains);
  const matrix = cameraToOutput(short.colour, 'srgb');
  const own: LinearRgb =
    target.kind === 'picture'
      ? valuesOf(target.picture)
      : picturesOf(target.mosaic, isPainter ? target.mosaic.colour.asShotGains : gains);
  const picture = isPainter ? light : rendered(light, matrix);
  const srgb = scoreRendered(picture, own);
  const srgbAmplified = scoreRendered(rendered(amplified, matrix), own);
  if (target.kind === 'picture') {
    return { network: { srgb }, amplified: { srgb: srgbAmplified } };
  }
  const truth = siteLight(target.mosaic);
  const rawOf = (samples: Float32Array) => ({
    plain: psnr(clipped(samples), truth),
    aligned: psnr(aligned(samples, truth), truth),
  });
  return {
    network: isPainter ? { srgb } : { raw: rawOf(sitesOf(light, short, gains)), srgb },
    amplified: { raw: rawOf(sitesOf(amplified, short, gains)), srgb: srgbAmplified },
  };
}

/** The middle of both halves, on whole cells. */
function middle({ short, target, ratio }: LoadedPair, crop: number): LoadedPair {
  const even = (size: number): number => Math.floor(Math.min(size, crop) / 2) * 2;
  const [width, height] = [even(short.width), even(short.height)];
  const left = ((short.width - width) >> 2) * 2;
  const top = ((short.height - height) >> 2) * 2;
  const cut = (samples: Uint16Array, stride: number, channels: number): Uint16Array => {
    const out = new Uint16Array(width * height * channels);
    for (let y = 0; y < height; y++) {
      const from = ((top + y) * stride + left) * channels;
      out.set(samples.subarray(from, from + width * channels), y * width * channels);
    }
    return out;
  };
  const mosaicOf = (mosaic: Mosaic): Mosaic => ({
    ...mosaic,
    width,
    height,
    samples: cut(mosaic.samples, mosaic.width, 1),
  });
  return {
    short: mosaicOf(short),
    target:
      target.kind === 'raw'
        ? { kind: 'raw', mosaic: mosaicOf(target.mosaic) }
        : {
            kind: 'picture',
            picture: {
              width,
              height,
              samples: cut(target.picture.samples, target.picture.width, 3),
            },
          },
    ratio,
  };
}

/** Demosaics a whole frame, square by square. */
function demosaiced(mosaic: Mosaic, ratio: number, gains: Vector3): LinearRgb {
  const { width, height } = mosaic;
  const { black, scale } = normalisation(mosaic);
  const { row: downToRed, column: rightToRed } = shiftToRggb(mosaic.cfa);
  const samples = new Float32Array(width * height * 3);
  const inner = squareSide - 2 * demosaicRim;
  const square = new Float32Array(squareSide * squareSide);
  const colours = new Float32Array(squareSide * squareSide * 3);
  const fold = (position: number, size: number): number => {
    const period = 2 * (size - 1);
    const folded = ((position % period) + period) % period;
    return folded < size ? folded : period - folded;
  };
  // Squares begin on red, so the first may lie a pixel before the frame.
  for (let top = -downToRed; top < height; top += inner) {
    for (let left = -rightToRed; left < width; left += inner) {
      for (let y = 0, at = 0; y < squareSide; y++) {
        const row = fold(top + y - demosaicRim, height);
        for (let x = 0; x < squareSide; x++, at++) {
          const column = fold(left + x - demosaicRim, width);
          const site = ((row & 1) << 1) | (column & 1);
          const value = (mosaic.samples[row * width + column]! - black[site]!) * scale[site]!;
          square[at] = value * ratio * gains[(y & 1) + (x & 1)]!;
        }
      }
      demosaicSquare(square, squareSide, colours);
      for (let y = Math.max(0, -top); y < Math.min(inner, height - top); y++) {
        const first = Math.max(0, -left);
        const last = Math.min(inner, width - left);
        const from = ((y + demosaicRim) * squareSide + demosaicRim) * 3;
        samples.set(
          colours.subarray(from + first * 3, from + last * 3),
          ((top + y) * width + left + first) * 3,
        );
      }
    }
  }
  return { width, height, samples };
}

function picturesOf(long: Mosaic, gains: Vector3): LinearRgb {
  return rendered(demosaiced(long, 1, gains), cameraToOutput(long.colour, 'srgb'));
}

function valuesOf({ width, height, samples }: FinishedPicture): LinearRgb {
  return { width, height, samples: Float32Array.from(samples, (code) => code / 65_535) };
}

/** The samples of the long exposure, 0 … 1. */
function siteLight(mosaic: Mosaic): Float32Array {
  const { black, scale } = normalisation(mosaic);
  const { width } = mosaic;
  return clipped(
    Float32Array.from(mosaic.samples, (sample, at) => {
      const site = ((Math.floor(at / width) & 1) << 1) | ((at % width) & 1);
      return (sample - black[site]!) * scale[site]!;
    }),
  );
}

/** Samples a picture as the sensor would have, before white balance. */
function sitesOf(
  { width, height, samples }: LinearRgb,
  { cfa }: Mosaic,
  gains: Vector3,
): Float32Array {
  const channels = siteColours(cfa).map((colour) => 'RGB'.indexOf(colour));
  return Float32Array.from({ length: width * height }, (_, at) => {
    const channel = channels[((Math.floor(at / width) & 1) << 1) | ((at % width) & 1)]!;
    return samples[at * 3 + channel]! / gains[channel]!;
  });
}

function clipped(samples: Float32Array): Float32Array {
  return samples.map((value) => Math.max(0, Math.min(1, value)));
}

/**
 * The samples times the single factor that brings them closest to the truth where it is not burnt out
 * (Wei et al., "A physics-based noise formation model", CVPR 2020, and those who compare with it).
 */
function aligned(samples: Float32Array, truth: Float32Array): Float32Array {
  const own = clipped(samples);
  let [across, along] = [0, 0];
  for (let at = 0; at < own.length; at++) {
    if (truth[at]! >= 1) continue;
    across += own[at]! * truth[at]!;
    along += own[at]! * own[at]!;
  }
  const factor = along > 0 ? across / along : 1;
  return clipped(own.map((value) => value * factor));
}
