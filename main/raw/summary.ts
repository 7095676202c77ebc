/** What a RAW file says about itself, read without its samples; runs in the worker. */

import { identifyContainer } from './container.ts';
import { checkFrame, explain } from './decode-file.ts';
import { bayerLayout } from './levels.ts';
import { LibRawFailure } from './libraw-failure.ts';
import { LibRawFile } from './libraw.ts';
import type { CfaPattern, Shot } from './mosaic.ts';
import { shotOf } from './shot.ts';

/** A RAW file's frame and shot. */
export interface RawSummary {
  /** Of the visible area, as stored: not turned upright. */
  readonly width: number;
  readonly height: number;
  /** Absent where the file has no mosaic. */
  readonly cfa?: CfaPattern;
  readonly shot: Shot;
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
    checkFrame(metadata, container, name);
    const { width, height, filters, cdesc } = metadata;
    const cfa = filters === 0 ? undefined : bayerLayout(filters, cdesc);
    const shot = shotOf(metadata, container);
    return { width, height, ...(cfa === undefined ? {} : { cfa }), shot };
  } catch (error) {
    throw error instanceof LibRawFailure ? explain(error, name) : error;
  }
}
