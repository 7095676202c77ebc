/** A photo opened for developing: the data for the window's shader, and its white balances. */

import type { Development, Outputs } from '../../preload/contract/contract.ts';
import type { WhiteBalanceChoice } from '../../preload/contract/edits.ts';
import { cameraToOutput, luminanceWeights } from '../develop/colour.ts';
import type { OutputSpace } from '../raw/image.ts';
import { gainsOf, temperatureOf } from '../develop/white-balance.ts';
import type { View } from '../view/process.ts';
import type { Opened } from '../view/protocol.ts';
import type { Vector3 } from '../raw/mosaic.ts';
import { Refusal } from '../base/refusal.ts';

type Balance = Outputs['develop.balance'];

const openedMax = 50;

export class Developments {
  readonly #view: View;
  /** By file and version. */
  readonly #opened = new Map<string, Opened>();

  constructor(view: View) {
    this.#view = view;
  }

  /** @throws Refusal as `decodeRaw` */
  async open(id: string, file: string, stamp: string, signal: AbortSignal): Promise<Development> {
    const opened = await this.#open(file, stamp, signal);
    const { colour, width, height, orientation, origin, tileSide, levels, coarseLevel } = opened;
    const matrixFor = (space: OutputSpace): Development['matrices']['srgb'] => ({
      cameraToOutput: [...cameraToOutput(colour, space)],
      luminance: [...luminanceWeights(space)],
    });
    return {
      photo: id,
      width,
      height,
      orientation,
      origin,
      tileSide,
      levels,
      coarseLevel,
      networkGains: colour.asShotGains,
      clipping: opened.clipping,
      asShot: temperatureOf(opened.gains.asShot, colour),
      autoRatio: opened.autoRatio,
      noise: opened.noise,
      ...(opened.merged === undefined ? {} : { merged: opened.merged }),
      matrices: {
        srgb: matrixFor('srgb'),
        'display-p3': matrixFor('display-p3'),
        rec2020: matrixFor('rec2020'),
      },
      facts: opened.facts,
    };
  }

  /** @throws Refusal as `decodeRaw` */
  async balance(
    file: string,
    stamp: string,
    choice: WhiteBalanceChoice,
    signal: AbortSignal,
  ): Promise<Balance> {
    const { gains, colour } = await this.#open(file, stamp, signal);
    const chosen =
      choice === 'as-shot'
        ? gains.asShot
        : choice === 'auto'
          ? gains.auto
          : gainsOf(choice, colour);
    return balanceOf(chosen, colour);
  }

  /** @throws Refusal `bad-argument` for a colour with no light in a channel */
  async pick(
    file: string,
    stamp: string,
    [red, green, blue]: Vector3,
    signal: AbortSignal,
  ): Promise<Balance> {
    if (!(red > 0 && green > 0 && blue > 0)) {
      throw new Refusal('bad-argument', 'this place is too dark to take the white balance from');
    }
    const { colour } = await this.#open(file, stamp, signal);
    const [r, g, b] = colour.asShotGains;
    const neutral: Vector3 = [(r * green) / red / g, 1, (b * green) / blue / g];
    // Edits store a temperature, so these are that temperature's gains, which differ slightly from
    // the picked ones.
    const { kelvin, tint } = temperatureOf(neutral, colour);
    return balanceOf(gainsOf({ kelvin, tint }, colour), colour);
  }

  async #open(file: string, stamp: string, signal: AbortSignal): Promise<Opened> {
    const key = `${file}\n${stamp}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const opened = await this.#view.open(file, signal);
    this.#opened.set(key, opened);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > openedMax && oldest !== undefined) this.#opened.delete(oldest);
    return opened;
  }
}

function balanceOf(gains: Vector3, colour: Opened['colour']): Balance {
  const shown = colour.asShotGains;
  return {
    balance: [gains[0] / shown[0], gains[1] / shown[1], gains[2] / shown[2]],
    ...temperatureOf(gains, colour),
  };
}
