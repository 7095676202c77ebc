/**
 * Reads a file without a mosaic (sRAW, linear DNG of lossless JPEG) as a linear frame, through
 * LibRaw.
 */

import { Refusal } from '../base/refusal.ts';
import { describe } from './about.ts';
import { tagCodes, rawImages } from './container.ts';
import type { Container } from './container.ts';
import { activeArea } from './dng-areas.ts';
import { dngFrame } from './dng-frame.ts';
import type { DngFile } from './dng-light.ts';
import { libRawPlaneBlack } from './levels.ts';
import { LibRawFile } from './libraw.ts';
import type { HiddenFields, LibRawMetadata } from './libraw.ts';
import { checkLosslessTiles } from './lossless-check.ts';
import { readLayout } from './payload/layout.ts';
import type { Plane } from './payload/plane.ts';
import type { DecodedRaw } from './mosaic.ts';
import { checkLevels } from './sensor-checks.ts';

const fullScale = 65_535;

/**
 * LibRaw's own developing with all processing switched off: the file's numbers in camera colour,
 * not rotated. Black is not subtracted, because that would clip the noise below it, and white
 * balance is not applied, because that would clip highlights. The gamma setting is ignored unless
 * it has six values.
 */
const linearSettings = {
  outputBps: 16,
  gamm: [1, 1, 0, 0, 0, 0],
  noAutoBright: true,
  adjustMaximumThr: 0,
  userBlack: 0,
  userCblack: [0, 0, 0, 0],
  userSat: fullScale,
  userMul: [1, 1, 1, 1],
  outputColor: 0,
  userFlip: 0,
} as const;

interface LinearSource {
  readonly metadata: LibRawMetadata;
  readonly hidden: HiddenFields;
  readonly container: Container;
  readonly dng: DngFile | undefined;
}

/**
 * Develops with an instance of its own, because each does only one kind of read.
 * @param name the file's own name, for messages
 * @throws Refusal `unsupported-file` or `damaged-file`; LibRawFailure
 */
export async function readLinear(
  bytes: Uint8Array,
  { metadata, hidden, container, dng }: LinearSource,
  name: string,
): Promise<DecodedRaw> {
  checkIsRaw(container, name);
  if (dng?.developed !== undefined) checkLosslessTiles(bytes, dng.image, name);
  const file = await LibRawFile.open(bytes, linearSettings);
  const developed = file.readDeveloped();
  if (developed.channels !== 3) {
    throw new Refusal(
      'unsupported-file',
      `${name} holds ${developed.channels} colours, which is not supported`,
    );
  }
  const about = describe(metadata, container);
  const white = metadata.color_data.maximum;
  const plane = dng && storedPlane(developed, dng, name);
  if (dng !== undefined && plane !== undefined) {
    const read = { plane, isLinearised: true, kind: { kind: 'linear' }, white } as const;
    return dngFrame(read, dng, about, name);
  }
  // Reduced-size files of some cameras are already white-balanced.
  const gains = hidden.asShotGainsApplied === 0 ? about.colour.asShotGains : ([1, 1, 1] as const);
  const blacks = [0, 1, 2].map((colour) => libRawPlaneBlack(hidden, colour));
  checkLevels(blacks, white, name);
  const { width, height } = developed;
  const samples = new Float32Array(width * height * 3);
  for (let colour = 0; colour < 3; colour++) {
    const black = blacks[colour]!;
    const scale = gains[colour]! / (white - black);
    for (let i = colour; i < samples.length; i += 3)
      samples[i] = (developed.samples[i]! - black) * scale;
  }
  return { kind: 'linear', frame: { width, height, samples, ...about } };
}

/**
 * LibRaw returns the active area; its samples are put back to their positions in the stored
 * picture.
 */
function storedPlane(
  { width, height, samples }: { width: number; height: number; samples: Uint16Array },
  { image }: DngFile,
  name: string,
): Plane | undefined {
  const layout = readLayout(image, name);
  const active = activeArea(image, layout.width, layout.height);
  const isActive = width === active.right - active.left && height === active.bottom - active.top;
  if (!isActive) return undefined;
  const { width: storedWidth, height: storedHeight } = layout;
  if (width === storedWidth && height === storedHeight)
    return { width, height, channels: 3, samples, bits: layout.bits };
  const stored = new Uint16Array(storedWidth * storedHeight * 3);
  for (let row = 0; row < height; row++) {
    const target = ((active.top + row) * storedWidth + active.left) * 3;
    stored.set(samples.subarray(row * width * 3, (row + 1) * width * 3), target);
  }
  return {
    width: storedWidth,
    height: storedHeight,
    channels: 3,
    samples: stored,
    bits: layout.bits,
  };
}

const photometricRgb = 2;

/** LibRaw also develops ordinary RGB TIFFs, which are finished pictures, not RAW files. */
function checkIsRaw(container: Container, name: string): void {
  if (container.kind !== 'tiff' || container.isDng) return;
  const isPicture = rawImages(container.tiff).some(
    (image) => image.number(tagCodes.photometric) === photometricRgb,
  );
  if (isPicture) {
    throw new Refusal(
      'unsupported-file',
      `expected a camera RAW file for ${name}, but it is an RGB TIFF`,
    );
  }
}
