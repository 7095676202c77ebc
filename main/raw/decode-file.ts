/**
 * Decodes one RAW file's bytes to a mosaic, or to a linear frame if it has none; runs in the
 * worker.
 */

import { Refusal } from '../base/refusal.ts';
import { describe, noiseProfileOf } from './about.ts';
import { tagCodes, checkPlausible, checkWhole, identifyContainer } from './container.ts';
import type { Container } from './container.ts';
import { dngFrame, type AboutDng } from './dng-frame.ts';
import { dngFileOf, needsLight, type DngFile } from './dng-light.ts';
import { bayerLayout } from './levels.ts';
import { LibRawFailure } from './libraw-failure.ts';
import { librawMosaic } from './libraw-mosaic.ts';
import { filtersXtrans, LibRawFile } from './libraw.ts';
import type { LibRawMetadata, SensorSamples } from './libraw.ts';
import { readLinear } from './linear-file.ts';
import type { DecodedRaw } from './mosaic.ts';
import { decodePlane, isDecodedHere } from './payload/plane.ts';
import { readRecords } from './records.ts';
import { cameraOf } from './shot.ts';
import { xtransMosaic } from './xtrans-file.ts';

/** More than any sensor has; only a damaged header asks for more. */
const maxSamples = 400_000_000;
const minSide = 22;

/**
 * Decodes a file.
 * @param name the file's own name, for messages
 * @param beside the `.xmp` file beside it, if there is one
 * @throws Refusal `unsupported-file`, `damaged-file` or `out-of-memory`
 */
export async function decodeBytes(
  bytes: Uint8Array,
  name: string,
  beside?: Uint8Array,
): Promise<DecodedRaw> {
  const container = identifyContainer(bytes, name);
  checkWhole(container, bytes.byteLength, name);
  const raw = await decodePicture(bytes, container, name);
  const records = await readRecords(bytes, container, beside);
  return raw.kind === 'mosaic'
    ? { kind: raw.kind, mosaic: { ...raw.mosaic, records } }
    : { kind: raw.kind, frame: { ...raw.frame, records } };
}

async function decodePicture(
  bytes: Uint8Array,
  container: Container,
  name: string,
): Promise<DecodedRaw> {
  const dng = dngFileOf(container, name);
  try {
    const file = await LibRawFile.open(bytes);
    const metadata = file.metadata();
    // This fails for a build other than the pinned one, before any of its values are used.
    const declared = file.hidden(metadata);
    checkFrame(metadata, { container, dng }, name);
    const frame = { width: metadata.raw_width, height: metadata.raw_height };
    checkPlausible(container, frame, bytes.byteLength, name);
    if (dng?.kind !== undefined && isDecodedHere(dng.image)) {
      const plane = await decodePlane(bytes, dng.littleEndian, dng.image, name);
      const read = { plane, isLinearised: false, kind: dng.kind };
      return dngFrame(read, dng, aboutDng(dng, metadata, container), name);
    }
    const sensor = file.readSensor();
    // Some decoders determine black and white only while they read the samples.
    const settled = file.metadata();
    const levels = file.hidden(settled);
    checkFrame(settled, { container, dng }, name);
    if (isLinear(metadata, dng)) {
      const source = { metadata: settled, hidden: levels, container, dng };
      return await readLinear(bytes, source, name);
    }
    if (sensor === undefined) {
      throw new Refusal(
        'unsupported-file',
        `${name} does not hold its mosaic as whole numbers, which is not supported`,
      );
    }
    if (dng?.kind !== undefined && isWorkedOn(dng, sensor)) {
      const plane = { ...sensor, channels: 1, bits: 16 } as const;
      const { maximum: white } = settled.color_data;
      const read = { plane, isLinearised: true, kind: dng.kind, white };
      return dngFrame(read, dng, aboutDng(dng, settled, container), name);
    }
    if (levels.xtrans !== undefined && dng === undefined) {
      const mosaic = xtransMosaic(sensor, settled, levels, container, name);
      return { kind: 'mosaic', mosaic };
    }
    return {
      kind: 'mosaic',
      mosaic: librawMosaic(
        sensor,
        settled,
        { declared, settled: levels },
        { container, dng },
        name,
      ),
    };
  } catch (error) {
    throw error instanceof LibRawFailure ? explain(error, name) : error;
  }
}

/**
 * The camera's JPEG preview in the file, if there is one.
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
    // LibRaw reports a missing preview like a damaged one, so both count as none.
    return undefined;
  }
}

/** Translates LibRaw's failure for the caller. */
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

function aboutDng(dng: DngFile, metadata: LibRawMetadata, container: Container): AboutDng {
  const noiseProfile = noiseProfileOf(dng.image, dng.first);
  return {
    ...describe(metadata, container),
    ...(noiseProfile === undefined ? {} : { noiseProfile }),
  };
}

/** Whether the file has three colours per pixel instead of a mosaic. */
function isLinear(metadata: LibRawMetadata, dng: DngFile | undefined): boolean {
  return dng?.kind === undefined
    ? metadata.filters === 0 && metadata.colors !== 1
    : dng.kind.kind === 'linear';
}

/** Whether a DNG's mosaic, as read by LibRaw, needs further processing. */
function isWorkedOn(dng: DngFile, sensor: SensorSamples): boolean {
  const isWhole =
    dng.image.number(tagCodes.imageWidth) === sensor.width &&
    dng.image.number(tagCodes.imageLength) === sensor.height;
  const isOtherLayout = dng.kind?.kind === 'quad' || dng.kind?.kind === 'xtrans';
  return isWhole && (isOtherLayout || needsLight(dng));
}

/** Checks everything that must be right about the frame before its samples are read. */
export function checkFrame(
  metadata: LibRawMetadata,
  { container, dng }: { readonly container: Container; readonly dng: DngFile | undefined },
  name: string,
): void {
  const { width, height, raw_width, raw_height, left_margin, top_margin } = metadata;
  const isInside =
    left_margin >= 0 &&
    top_margin >= 0 &&
    left_margin + width <= raw_width &&
    top_margin + height <= raw_height;
  if (width < minSide || height < minSide || raw_width * raw_height > maxSamples || !isInside) {
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
  // A DNG's own tags were already checked when they were read.
  const what = dng?.kind === undefined ? unsupportedSensor(metadata) : undefined;
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
  if (filters === filtersXtrans) return undefined;
  if (colors === 1) return undefined;
  if (colors !== 3 || !cdesc.startsWith('RGB')) return `a sensor of other colours (${cdesc})`;
  if (filters !== 0 && bayerLayout(filters, cdesc) === undefined)
    return 'a colour layout other than Bayer';
  return undefined;
}
