/** Quarter-turns, straightening and cropping of a finished picture. */

import type { FinishedImage } from '../raw/image.ts';

export interface Framing {
  /** As shares of the picture's sides after its quarter-turns. */
  readonly crop: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
  /** Degrees by which the picture is turned clockwise inside the frame. */
  readonly angle: number;
  /** Quarter-turns clockwise. */
  readonly rotate: 0 | 1 | 2 | 3;
}

/** The framed picture; the same object if there is nothing to change. */
export function framePicture(
  image: FinishedImage,
  { crop, angle, rotate }: Framing,
): FinishedImage {
  const turned = turn(image, rotate);
  const isWhole = crop.x === 0 && crop.y === 0 && crop.width === 1 && crop.height === 1;
  if (isWhole && angle === 0) return turned;
  const width = Math.max(1, Math.round(crop.width * turned.width));
  const height = Math.max(1, Math.round(crop.height * turned.height));
  if (angle === 0) {
    const left = Math.min(Math.round(crop.x * turned.width), turned.width - width);
    const top = Math.min(Math.round(crop.y * turned.height), turned.height - height);
    return cut(turned, left, top, width, height);
  }
  const centreX = (crop.x + crop.width / 2) * turned.width;
  const centreY = (crop.y + crop.height / 2) * turned.height;
  return straighten(turned, { centreX, centreY, width, height, radians: (angle * Math.PI) / 180 });
}

function turn(image: FinishedImage, quarters: 0 | 1 | 2 | 3): FinishedImage {
  if (quarters === 0) return image;
  const { width, height, samples } = image;
  const isSideways = quarters !== 2;
  const [newWidth, newHeight] = isSideways ? [height, width] : [width, height];
  const turned = new Uint16Array(samples.length);
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++, from += 3) {
      const [column, row] =
        quarters === 1
          ? [height - 1 - y, x]
          : quarters === 2
            ? [width - 1 - x, height - 1 - y]
            : [y, width - 1 - x];
      const to = (row * newWidth + column) * 3;
      turned[to] = samples[from]!;
      turned[to + 1] = samples[from + 1]!;
      turned[to + 2] = samples[from + 2]!;
    }
  }
  return { ...image, width: newWidth, height: newHeight, samples: turned };
}

function cut(
  image: FinishedImage,
  left: number,
  top: number,
  width: number,
  height: number,
): FinishedImage {
  const samples = new Uint16Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 3;
    samples.set(image.samples.subarray(from, from + width * 3), y * width * 3);
  }
  return { ...image, width, height, samples };
}

interface Frame {
  readonly centreX: number;
  readonly centreY: number;
  readonly width: number;
  readonly height: number;
  readonly radians: number;
}

/** Bilinear, as the graphics card draws it. Pixels outside the picture are black. */
function straighten(image: FinishedImage, frame: Frame): FinishedImage {
  const { width, height } = frame;
  const { samples: source, width: columns, height: rows } = image;
  const samples = new Uint16Array(width * height * 3);
  const [cos, sin] = [Math.cos(frame.radians), Math.sin(frame.radians)];
  for (let y = 0, to = 0; y < height; y++) {
    const dy = y + 0.5 - height / 2;
    for (let x = 0; x < width; x++, to += 3) {
      const dx = x + 0.5 - width / 2;
      const px = frame.centreX + cos * dx + sin * dy;
      const py = frame.centreY - sin * dx + cos * dy;
      if (px < 0 || py < 0 || px > columns || py > rows) continue;
      const sx = Math.min(columns - 1, Math.max(0, px - 0.5));
      const sy = Math.min(rows - 1, Math.max(0, py - 0.5));
      const [left, top] = [Math.floor(sx), Math.floor(sy)];
      const [tx, ty] = [sx - left, sy - top];
      const a = (top * columns + left) * 3;
      const b = left + 1 < columns ? a + 3 : a;
      const below = top + 1 < rows ? columns * 3 : 0;
      for (let c = 0; c < 3; c++) {
        const high = source[a + c]! * (1 - tx) + source[b + c]! * tx;
        const low = source[a + below + c]! * (1 - tx) + source[b + below + c]! * tx;
        samples[to + c] = high * (1 - ty) + low * ty + 0.5;
      }
    }
  }
  return { ...image, width, height, samples };
}
