/** Reads a RAW file's facts without its samples; runs in the worker. */

import { shiftCfa } from './cfa.ts';
import { identifyContainer } from './container.ts';
import { checkFrame, explain } from './decode-file.ts';
import { dngFileOf, shownPart, type DngFile } from './dng-light.ts';
import { bayerLayout } from './levels.ts';
import { LibRawFailure } from './libraw-failure.ts';
import { LibRawFile } from './libraw.ts';
import type { LibRawMetadata } from './libraw.ts';
import { decodeMergedNames, privateDataTag, type MergedFrom } from './merged-tag.ts';
import type { CfaPattern, Shot } from './mosaic.ts';
import { shotOf } from './shot.ts';

/** A RAW file's frame and shot. */
export interface RawSummary {
  /** Of the visible area as stored, not rotated upright. */
  readonly width: number;
  readonly height: number;
  /** Absent if the file has no mosaic. */
  readonly cfa?: CfaPattern;
  readonly shot: Shot;
  /** Set if the file was merged from several frames. */
  readonly merged?: MergedFrom;
}

/**
 * Reads a file's frame and shot.
 * @param name the file's own name, for messages
 * @throws Refusal as `decodeBytes`
 */
export async function summariseBytes(bytes: Uint8Array, name: string): Promise<RawSummary> {
  const container = identifyContainer(bytes, name);
  try {
    const file = await LibRawFile.open(bytes);
    const metadata = file.metadata();
    const dng = dngFileOf(container, name);
    checkFrame(metadata, { container, dng }, name);
    const privateData =
      container.kind === 'tiff' ? container.tiff.images[0]?.bytes(privateDataTag) : undefined;
    const merged = privateData && decodeMergedNames(privateData);
    return {
      ...layoutOf(metadata, dng),
      shot: shotOf(metadata, container),
      ...(merged === undefined ? {} : { merged }),
    };
  } catch (error) {
    throw error instanceof LibRawFailure ? explain(error, name) : error;
  }
}

/** The same layout that `decodeBytes` returns. */
function layoutOf(
  metadata: LibRawMetadata,
  dng: DngFile | undefined,
): Pick<RawSummary, 'width' | 'height' | 'cfa'> {
  const { width, height, filters, cdesc, raw_width, raw_height } = metadata;
  if (dng?.kind === undefined) {
    const cfa = filters === 0 ? undefined : bayerLayout(filters, cdesc);
    return { width, height, ...(cfa === undefined ? {} : { cfa }) };
  }
  const { active, shown } = shownPart(dng, { width: raw_width, height: raw_height });
  const [down, along] = [shown.top - active.top, shown.left - active.left];
  const { kind } = dng;
  const side = kind.kind === 'quad' ? 2 : 1;
  return {
    width: Math.floor((shown.right - shown.left) / side),
    height: Math.floor((shown.bottom - shown.top) / side),
    ...(kind.kind === 'bayer' ? { cfa: shiftCfa(kind.cfa, down, along) } : {}),
    ...(kind.kind === 'quad' ? { cfa: kind.cfa } : {}),
  };
}
