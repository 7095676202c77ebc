/** The last stage of a linear picture: joins developed tiles unchanged, in camera colour. */

import type { Vector3 } from '../raw/mosaic.ts';
import type { Frame } from './finish.ts';
import type { CameraLinearImage } from '../raw/image.ts';
import type { DevelopedTile } from './unpack.ts';

/** A linear picture that is filled tile by tile; neither turned nor cropped. */
export class LinearCanvas {
  readonly image: CameraLinearImage;
  readonly #frame: Frame;
  readonly #balance: Vector3;

  /**
   * @param balance requested white balance, relative to the camera's. It becomes part of the
   *   picture's gains, so that programs that open the file start from it
   */
  constructor(frame: Frame, balance: Vector3) {
    const { width, height, orientation, colour } = frame;
    const [red, green, blue] = colour.asShotGains;
    const asShotGains: Vector3 = [red * balance[0], green * balance[1], blue * balance[2]];
    this.#frame = frame;
    this.#balance = balance;
    const samples = new Float32Array(width * height * 3);
    this.image = { width, height, samples, orientation, colour: { ...colour, asShotGains } };
  }

  /** Puts one developed tile into its place. Tiles may come in any order. */
  add({ area, samples }: DevelopedTile): void {
    const { width, height, grid } = this.#frame;
    const [red, green, blue] = this.#balance;
    const out = this.image.samples;
    const [left, top] = [area.x - grid.columnsBefore, area.y - grid.rowsBefore];
    const firstX = Math.max(0, -left);
    const lastX = Math.min(area.width, width - left);
    for (let y = Math.max(0, -top); y < Math.min(area.height, height - top); y++) {
      let from = (y * area.width + firstX) * 3;
      let to = ((top + y) * width + left + firstX) * 3;
      for (let x = firstX; x < lastX; x++, from += 3, to += 3) {
        out[to] = samples[from]! * red;
        out[to + 1] = samples[from + 1]! * green;
        out[to + 2] = samples[from + 2]! * blue;
      }
    }
  }
}
