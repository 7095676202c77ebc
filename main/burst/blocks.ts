/** The small squares in which frames are weighed. */

/** Side of a block in pixels; weights and the frame map have one value per block. */
export const blockSide = 4;

/** The blocks that cover a frame. */
interface BlockGrid {
  readonly columns: number;
  readonly rows: number;
}

export function blockGrid({
  width,
  height,
}: {
  readonly width: number;
  readonly height: number;
}): BlockGrid {
  return { columns: Math.ceil(width / blockSide), rows: Math.ceil(height / blockSide) };
}
