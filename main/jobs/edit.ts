/** A photo's edits in the engine's own terms. */

import type { Edits } from '../../preload/contract/edits.ts';
import type { Edit } from '../engine/protocol.ts';

/** @param longSide pixels, at most; undefined for the picture's own size */
export function editOf(
  edits: Edits,
  { space, longSide }: { readonly space: Edit['space']; readonly longSide?: number | undefined },
): Edit {
  const { ratio, strength, whiteBalance, crop, angle, rotate } = edits;
  const { exposure, highlights, shadows, contrast, saturation } = edits;
  return {
    ratio,
    strength,
    whiteBalance,
    space,
    tone: { exposure, highlights, shadows, contrast, saturation },
    framing: { crop, angle, rotate },
    ...(longSide === undefined ? {} : { longSide }),
  };
}
