/**
 * Turns the sensor data that LibRaw read into a mosaic: the visible area, its levels, and its
 * noise.
 */

import { Refusal } from '../base/refusal.ts';
import { describe, noiseProfileOf } from './about.ts';
import { shiftCfa, shiftOf, shiftSites } from './cfa.ts';
import type { Container } from './container.ts';
import { intersection } from './dng-areas.ts';
import { placedWarps, shownPart, warpsOf, type DngFile } from './dng-light.ts';
import {
  bayerLayout,
  cornerMoved,
  dngBlack,
  libRawBlack,
  opticalBlackOf,
  whiteLevelOf,
} from './levels.ts';
import type { CornerMoved } from './levels.ts';
import type { HiddenFields, LibRawMetadata, SensorSamples } from './libraw.ts';
import { decodeMerged, privateDataTag } from './merged-tag.ts';
import type { Mosaic, PerSite, PlacedWarp } from './mosaic.ts';
import { checkLevels, checkSamples } from './sensor-checks.ts';
import type { TiffDirectory } from './tiff-tags.ts';
import type { Rectangle } from './opcodes/parse.ts';

/** LibRaw's hidden fields, from the file's header and after the samples were read. */
export interface Levels {
  readonly declared: HiddenFields;
  readonly settled: HiddenFields;
}

/**
 * @param dng the DNG's own tags; undefined for other formats
 * @param name the file's own name, for messages
 * @throws Refusal `damaged-file`
 */
export function librawMosaic(
  sensor: SensorSamples,
  metadata: LibRawMetadata,
  levels: Levels,
  { container, dng }: { readonly container: Container; readonly dng: DngFile | undefined },
  name: string,
): Mosaic {
  const { width, height, filters } = metadata;
  const isMonochrome = metadata.colors === 1;
  const cfa = isMonochrome ? 'RGGB' : bayerLayout(filters, metadata.cdesc);
  const isFrame = sensor.width === metadata.raw_width && sensor.height === metadata.raw_height;
  const isVisible = sensor.visibleWidth === width && sensor.visibleHeight === height;
  if (cfa === undefined || !isFrame || !isVisible) {
    throw new Refusal('damaged-file', `${name} is damaged: its frame changed while it was read`);
  }
  const moved = cornerMoved(dng?.image, metadata);
  const blackLevel =
    (dng && exactDngBlack(dng.image, libRawBlack(levels.declared, filters, moved), moved)) ??
    libRawBlack(levels.settled, filters, moved);
  const whiteLevel = whiteLevelOf(metadata, levels.settled);
  checkLevels(blackLevel, whiteLevel, name);
  const visible = visibleArea(metadata);
  const { shown, warps } = shownOf(dng, sensor, visible);
  const samples = cut(sensor, shown);
  checkSamples(samples, shown.right - shown.left, blackLevel, name);
  const opticalBlack = opticalBlackOf(sensor, metadata, levels.settled, blackLevel, whiteLevel);
  const noiseProfile = dng && noiseProfileOf(dng.image, dng.first);
  const size = { width: shown.right - shown.left, height: shown.bottom - shown.top };
  const privateData = dng?.first.bytes(privateDataTag);
  const merged = privateData && decodeMerged(privateData, size);
  const [down, along] = [shown.top - visible.top, shown.left - visible.left];
  const seen = (sites: PerSite): PerSite => shiftSites(sites, shiftOf(down, along));
  return {
    ...size,
    samples,
    cfa: isMonochrome ? cfa : shiftCfa(cfa, down, along),
    blackLevel: seen(blackLevel),
    ...(opticalBlack === undefined ? {} : { opticalBlack: seen(opticalBlack) }),
    whiteLevel,
    ...(noiseProfile === undefined ? {} : { noiseProfile }),
    ...(merged === undefined ? {} : { merged }),
    ...(warps.length > 0 ? { warps } : {}),
    ...(isMonochrome ? { isMonochrome: true } : {}),
    ...describe(metadata, container),
  };
}

/** The part of LibRaw's visible area that a DNG shows; for other formats all of it. */
function shownOf(
  dng: DngFile | undefined,
  sensor: SensorSamples,
  visible: Rectangle,
): { readonly shown: Rectangle; readonly warps: readonly PlacedWarp[] } {
  if (dng === undefined) return { shown: visible, warps: [] };
  const { active, shown } = shownPart(dng, sensor);
  const both = intersection(visible, shown);
  return { shown: both, warps: placedWarps(warpsOf(dng.lists), active, both) };
}

/**
 * A DNG's own black levels, including fractions, if they agree with LibRaw's whole numbers. They
 * take precedence over LibRaw's measurement of a masked margin, because LibRaw trusts any margin.
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

function visibleArea({ width, height, left_margin, top_margin }: LibRawMetadata): Rectangle {
  return {
    top: top_margin,
    left: left_margin,
    bottom: top_margin + height,
    right: left_margin + width,
  };
}

/** Copies only the shown part, so that margins are not sent between threads. */
function cut(sensor: SensorSamples, { top, left, bottom, right }: Rectangle): Uint16Array {
  const [width, height] = [right - left, bottom - top];
  const isWhole = width === sensor.width && height === sensor.height;
  if (isWhole && sensor.samples.length === width * height) return sensor.samples;
  const samples = new Uint16Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (top + row) * sensor.width + left;
    samples.set(sensor.samples.subarray(start, start + width), row * width);
  }
  return samples;
}
