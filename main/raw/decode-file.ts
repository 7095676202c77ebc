/** One RAW file's bytes to its mosaic, or to a linear frame where it has none; runs in the worker. */

import { Refusal } from '../base/refusal.ts';
import { cameraName, unknownCamera } from './camera-name.ts';
import { cameraColour } from './colour.ts';
import { TAG, checkPlausible, checkWhole, identifyContainer, rawImages } from './container.ts';
import type { Container } from './container.ts';
import {
  bayerLayout,
  cornerMoved,
  dngBlack,
  libRawBlack,
  libRawPlaneBlack,
  opticalBlackOf,
  whiteLevelOf,
} from './levels.ts';
import { LibRawFailure } from './libraw-failure.ts';
import { LibRawFile } from './libraw.ts';
import type { HiddenFields, LibRawMetadata, SensorSamples } from './libraw.ts';
import type { CornerMoved } from './levels.ts';
import { decodeMerged } from './merged-tag.ts';
import type {
  DecodedRaw,
  LinearFrame,
  Mosaic,
  NoiseProfile,
  Orientation,
  PerSite,
} from './mosaic.ts';
import { checkLevels, checkSamples } from './sensor-checks.ts';
import { cameraOf, shotOf } from './shot.ts';
import type { TiffDirectory } from './tiff-tags.ts';

/** Above any sensor; a damaged header asks for more. */
const MAX_SAMPLES = 400_000_000;
const MIN_SIDE = 22;

const BASELINE_EXPOSURE = 50_730;
const NOISE_PROFILE = 51_041;
const DNG_PRIVATE_DATA = 50_740;
const MAX_BASELINE_STOPS = 10;

const FILTERS_XTRANS = 9;
const FULL_SCALE = 65_535;

/**
 * LibRaw's own developing with everything in it switched off: the file's numbers in camera colour,
 * unturned, with their black level (taking it off there would clip the noise below it) and without a
 * balance (which would clip highlights). The gamma setting is ignored unless it has six values.
 */
const LINEAR_SETTINGS = {
  outputBps: 16,
  gamm: [1, 1, 0, 0, 0, 0],
  noAutoBright: true,
  adjustMaximumThr: 0,
  userBlack: 0,
  userCblack: [0, 0, 0, 0],
  userSat: FULL_SCALE,
  userMul: [1, 1, 1, 1],
  outputColor: 0,
  userFlip: 0,
} as const;

/**
 * Decodes a file.
 * @param name the file's own name, for messages
 * @throws Refusal `unsupported-file`, `damaged-file` or `out-of-memory`
 */
export async function decodeBytes(bytes: Uint8Array, name: string): Promise<DecodedRaw> {
  const container = identifyContainer(bytes, name);
  checkWhole(container, bytes.byteLength, name);
  try {
    const file = await LibRawFile.open(bytes);
    const metadata = file.metadata();
    // A build that is not the pinned one shows here, before anything is believed.
    const declared = file.hidden(metadata);
    checkFrame(metadata, container, name);
    const frame = { width: metadata.raw_width, height: metadata.raw_height };
    checkPlausible(container, frame, bytes.byteLength, name);
    const sensor = file.readSensor();
    // Some decoders settle black and white only while they read.
    const settled = file.metadata();
    const levels = file.hidden(settled);
    if (metadata.filters === 0) return await developLinear(bytes, settled, levels, container, name);
    if (sensor === undefined) {
      throw new Refusal(
        'unsupported-file',
        `${name} does not hold its mosaic as whole numbers, which is not supported`,
      );
    }
    return {
      kind: 'mosaic',
      mosaic: assembleMosaic(sensor, settled, { declared, settled: levels }, container, name),
    };
  } catch (error) {
    throw error instanceof LibRawFailure ? explain(error, name) : error;
  }
}

/**
 * The JPEG preview the camera put into the file, if there is one.
 * @throws Refusal as `decodeBytes`
 */
export async function extractPreview(
  bytes: Uint8Array,
  name: string,
): Promise<Uint8Array | undefined> {
  identifyContainer(bytes, name);
  try {
    const file = await LibRawFile.open(bytes);
    return file.readJpegPreview();
  } catch (error) {
    if (!(error instanceof LibRawFailure)) throw error;
    if (error.kind === 'memory') throw explain(error, name);
    // Having no preview is reported like this too, and a damaged one is as good as none.
    return undefined;
  }
}

/** What a failure of LibRaw means to whoever asked for the file. */
export function explain(error: LibRawFailure, name: string): Refusal {
  switch (error.kind) {
    case 'unsupported':
      return new Refusal(
        'unsupported-file',
        `${name} is in a camera format that LibRaw does not decode`,
        { cause: error },
      );
    case 'memory':
      return new Refusal('out-of-memory', `${name} needs more memory to decode than there is`, {
        cause: error,
      });
    case 'damaged':
      return new Refusal('damaged-file', `${name} is damaged: ${error.message}`, { cause: error });
  }
}

/** Everything about the frame that has to be right before its samples are asked for. */
export function checkFrame(metadata: LibRawMetadata, container: Container, name: string): void {
  const { width, height, raw_width, raw_height, left_margin, top_margin } = metadata;
  const isInside =
    left_margin >= 0 &&
    top_margin >= 0 &&
    left_margin + width <= raw_width &&
    top_margin + height <= raw_height;
  if (width < MIN_SIDE || height < MIN_SIDE || raw_width * raw_height > MAX_SAMPLES || !isInside) {
    throw new Refusal(
      'damaged-file',
      `${name} is damaged: it announces a frame of ${raw_width}×${raw_height}`,
    );
  }
  const camera = cameraOf(metadata, container);
  if (
    container.kind === 'tiff' &&
    !container.isDng &&
    container.tiff.images[0]?.text(271) === undefined
  ) {
    throw new Refusal(
      'unsupported-file',
      `expected a camera RAW file for ${name}, but it is a TIFF that names no camera`,
    );
  }
  const what = unsupportedSensor(metadata);
  if (what !== undefined) {
    const from = camera.model === undefined ? '' : ` from ${camera.model}`;
    throw new Refusal(
      'unsupported-file',
      `${name} is${from} with ${what}, which is not supported yet`,
    );
  }
}

function unsupportedSensor({
  filters,
  colors,
  cdesc,
  is_foveon,
}: LibRawMetadata): string | undefined {
  if (is_foveon !== 0) return 'a Foveon sensor';
  if (filters === FILTERS_XTRANS) return 'an X-Trans sensor';
  if (colors === 1) return 'a monochrome sensor';
  if (colors !== 3 || !cdesc.startsWith('RGB')) return `a sensor of other colours (${cdesc})`;
  if (filters !== 0 && bayerLayout(filters, cdesc) === undefined)
    return 'a colour layout other than Bayer';
  return undefined;
}

/** LibRaw's hidden fields as the file's header gave them, and after the samples were read. */
interface Levels {
  readonly declared: HiddenFields;
  readonly settled: HiddenFields;
}

function assembleMosaic(
  sensor: SensorSamples,
  metadata: LibRawMetadata,
  levels: Levels,
  container: Container,
  name: string,
): Mosaic {
  checkFrame(metadata, container, name);
  const { width, height, filters } = metadata;
  const cfa = bayerLayout(filters, metadata.cdesc);
  const isFrame = sensor.width === metadata.raw_width && sensor.height === metadata.raw_height;
  const isVisible = sensor.visibleWidth === width && sensor.visibleHeight === height;
  if (cfa === undefined || !isFrame || !isVisible) {
    throw new Refusal('damaged-file', `${name} is damaged: its frame changed while it was read`);
  }
  const dng = dngDirectories(container, metadata);
  const moved = cornerMoved(dng?.image, metadata);
  const blackLevel =
    (dng && exactDngBlack(dng.image, libRawBlack(levels.declared, filters, moved), moved)) ??
    libRawBlack(levels.settled, filters, moved);
  const whiteLevel = whiteLevelOf(metadata, levels.settled);
  checkLevels(blackLevel, whiteLevel, name);
  const samples = visibleArea(sensor, metadata);
  checkSamples(samples, width, blackLevel, name);
  const opticalBlack = opticalBlackOf(sensor, metadata, levels.settled, blackLevel, whiteLevel);
  const noiseProfile = dng && noiseProfileOf(dng.image, dng.first);
  const privateData = dng?.first.bytes(DNG_PRIVATE_DATA);
  const merged = privateData && decodeMerged(privateData, { width, height });
  return {
    width,
    height,
    samples,
    cfa,
    blackLevel,
    ...(opticalBlack === undefined ? {} : { opticalBlack }),
    whiteLevel,
    ...(noiseProfile === undefined ? {} : { noiseProfile }),
    ...(merged === undefined ? {} : { merged }),
    ...describe(metadata, container),
  };
}

/** A DNG's first directory and the one whose frame LibRaw decoded. */
function dngDirectories(
  container: Container,
  { raw_width, raw_height }: LibRawMetadata,
): { first: TiffDirectory; image: TiffDirectory } | undefined {
  if (container.kind !== 'tiff' || !container.isDng) return undefined;
  const [first] = container.tiff.images;
  const image = rawImages(container.tiff).find(
    (directory) =>
      directory.number(TAG.imageWidth) === raw_width &&
      directory.number(TAG.imageLength) === raw_height,
  );
  return first === undefined || image === undefined ? undefined : { first, image };
}

/**
 * A DNG's own black levels, fractions and all, where they and LibRaw's whole numbers mean the same.
 * They go before what LibRaw makes of a masked margin while it reads: it believes any margin.
 */
function exactDngBlack(
  image: TiffDirectory,
  fromLibRaw: PerSite,
  moved: CornerMoved,
): PerSite | undefined {
  const exact = dngBlack(image, moved);
  const agrees = exact?.every((level, site) => Math.abs(level - fromLibRaw[site]!) <= 1) === true;
  return agrees ? exact : undefined;
}

/** The visible area alone: it crosses threads without its margins. */
function visibleArea(
  sensor: SensorSamples,
  { width, height, left_margin, top_margin }: LibRawMetadata,
): Uint16Array {
  const isWhole = width === sensor.width && height === sensor.height;
  if (isWhole && sensor.samples.length === width * height) return sensor.samples;
  const samples = new Uint16Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (top_margin + row) * sensor.width + left_margin;
    samples.set(sensor.samples.subarray(start, start + width), row * width);
  }
  return samples;
}

/** Means over a DNG's planes of S and O (DNG 1.4, NoiseProfile): R, G and B differ by little. */
function noiseProfileOf(image: TiffDirectory, first: TiffDirectory): NoiseProfile | undefined {
  const values = image.has(NOISE_PROFILE)
    ? image.numbers(NOISE_PROFILE)
    : first.numbers(NOISE_PROFILE);
  const planes = Math.floor(values.length / 2);
  if (planes < 1 || planes > 4) return undefined;
  const mean = (part: number): number =>
    values
      .filter((_, index) => index % 2 === part && index < planes * 2)
      .reduce((sum, value) => sum + value, 0) / planes;
  const [slope, offset] = [mean(0), mean(1)];
  return slope > 0 && slope < 1 && Math.abs(offset) < 1 ? { slope, offset } : undefined;
}

/** What mosaics and linear frames both carry. */
function describe(
  metadata: LibRawMetadata,
  container: Container,
): Pick<Mosaic, 'orientation' | 'colour' | 'baselineExposureStops' | 'shot'> {
  const first = container.kind === 'tiff' && container.isDng ? container.tiff.images[0] : undefined;
  const camera = cameraName(cameraOf(metadata, container)) ?? unknownCamera;
  const stops = first?.number(BASELINE_EXPOSURE) ?? 0;
  return {
    orientation: orientationOf(metadata.flip),
    colour: cameraColour(metadata, first, camera),
    baselineExposureStops: Math.abs(stops) <= MAX_BASELINE_STOPS ? stops : 0,
    shot: shotOf(metadata, container),
  };
}

/** dcraw's flip (1: mirror columns, 2: mirror rows, 4: swap them first) as EXIF's orientation. */
function orientationOf(flip: number): Orientation {
  const orientations = [1, 2, 4, 3, 5, 8, 6, 7] as const;
  return orientations[flip] ?? 1;
}

/** A file without a mosaic through LibRaw's developing: one instance does one kind of read, so a new one. */
async function developLinear(
  bytes: Uint8Array,
  metadata: LibRawMetadata,
  hidden: HiddenFields,
  container: Container,
  name: string,
): Promise<DecodedRaw> {
  checkIsRaw(container, name);
  const file = await LibRawFile.open(bytes, LINEAR_SETTINGS);
  const developed = file.readDeveloped();
  if (developed.channels !== 3) {
    throw new Refusal(
      'unsupported-file',
      `${name} holds ${developed.channels} colours, which is not supported`,
    );
  }
  const about = describe(metadata, container);
  const white = metadata.color_data.maximum;
  // Some cameras' reduced files come balanced already.
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
  const frame: LinearFrame = { width, height, samples, ...about };
  return { kind: 'linear', frame };
}

const PHOTOMETRIC_RGB = 2;

/** LibRaw also develops ordinary RGB TIFFs, which are finished pictures and no RAW. */
function checkIsRaw(container: Container, name: string): void {
  if (container.kind !== 'tiff' || container.isDng) return;
  const isPicture = rawImages(container.tiff).some(
    (image) => image.number(TAG.photometric) === PHOTOMETRIC_RGB,
  );
  if (isPicture) {
    throw new Refusal(
      'unsupported-file',
      `expected a camera RAW file for ${name}, but it is an RGB TIFF`,
    );
  }
}
