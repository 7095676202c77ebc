/** Crop frames with a fixed aspect ratio. */

import type { Size } from './viewport.ts';

export interface Frame extends Size {
  readonly x: number;
  readonly y: number;
}

/**
 * `free`: sides are independent. `original`: the picture's own. Otherwise width to height of a
 * landscape frame.
 */
export const aspects = ['free', 'original', '1:1', '5:4', '4:3', '3:2', '16:9'] as const;
export type Aspect = (typeof aspects)[number];

/**
 * Width ÷ height.
 * @param isTall the same shape in portrait orientation; does not affect a picture's own shape
 */
export function ratioOf(aspect: Aspect, picture: Size, isTall: boolean): number | undefined {
  if (aspect === 'free') return undefined;
  if (aspect === 'original') return picture.width / picture.height;
  const [across = 1, down = 1] = aspect.split(':').map(Number);
  return isTall ? down / across : across / down;
}

/** The largest frame of a shape inside another frame, with the same centre. */
export function shaped({ x, y, width, height }: Frame, ratio: number): Frame {
  const across = Math.min(width, height * ratio);
  const down = across / ratio;
  return { x: x + (width - across) / 2, y: y + (height - down) / 2, width: across, height: down };
}

/**
 * Restores the shape of a frame after a handle was dragged. The point opposite the handle stays in
 * place.
 * @param handle compass points, such as `nw` or `e`
 * @param room size of the picture, which begins at 0, 0; undefined for no limit
 */
export function keepShape(
  dragged: Frame,
  handle: string,
  ratio: number,
  room: Size | undefined,
): Frame {
  const isAcross = handle === 'e' || handle === 'w';
  const isDown = handle === 'n' || handle === 's';
  const [isWest, isNorth] = [handle.includes('w'), handle.includes('n')];
  // The fixed point: a corner, or the middle of the opposite side.
  const at = {
    x: isDown ? dragged.x + dragged.width / 2 : dragged.x + (isWest ? dragged.width : 0),
    y: isAcross ? dragged.y + dragged.height / 2 : dragged.y + (isNorth ? dragged.height : 0),
  };
  let width = isAcross
    ? dragged.width
    : isDown
      ? dragged.height * ratio
      : Math.max(dragged.width, dragged.height * ratio);
  if (room !== undefined) {
    const acrossRoom = isDown
      ? 2 * Math.min(at.x, room.width - at.x)
      : isWest
        ? at.x
        : room.width - at.x;
    const downRoom = isAcross
      ? 2 * Math.min(at.y, room.height - at.y)
      : isNorth
        ? at.y
        : room.height - at.y;
    width = Math.min(width, acrossRoom, downRoom * ratio);
  }
  const height = width / ratio;
  return {
    x: isDown ? at.x - width / 2 : isWest ? at.x - width : at.x,
    y: isAcross ? at.y - height / 2 : isNorth ? at.y - height : at.y,
    width,
    height,
  };
}
