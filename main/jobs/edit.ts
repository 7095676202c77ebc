/** Converts a photo's edits to the engine's terms. */

import type { Edits } from '../../preload/contract/edits.ts';
import type { Edit } from '../engine/protocol.ts';

/** @param longSide limit in pixels; undefined for the picture's own size */
export function editOf(
  edits: Edits,
  { space, longSide }: { readonly space: Edit['space']; readonly longSide?: number | undefined },
): Edit {
  const { ratio, strength, black, whiteBalance, crop, angle, rotate } = edits;
  const { exposure, highlights, shadows, contrast, saturation } = edits;
  return {
    ratio,
    strength,
    black,
    whiteBalance,
    space,
    tone: { exposure, highlights, shadows, contrast, saturation },
    framing: { crop, angle, rotate },
    ...(longSide === undefined ? {} : { longSide }),
  };
}
