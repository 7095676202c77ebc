/** Runs in the browser: paints one tile with the app's painter and hands the pixels back. */

import type { Edits } from '../../preload/contract/edits.ts';
import { framed, inverse } from '../../renderer/develop/geometry.ts';
import { Painter, type Look } from '../../renderer/develop/gl/painter.ts';

export interface PaintRequest {
  /** Base64 of little-endian half floats, 4 a pixel. */
  readonly halves: string;
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  readonly framing: Pick<Edits, 'crop' | 'angle' | 'rotate'>;
  readonly look: Look;
  readonly light: number;
}

export interface Painted {
  readonly width: number;
  readonly height: number;
  /** Base64 of RGBA. */
  readonly pixels: string;
}

declare global {
  var paint: (request: PaintRequest) => Promise<Painted>;
}

globalThis.paint = async ({ halves, width, height, orientation, framing, look, light }) => {
  const bytes = Uint8Array.from(atob(halves), (character) => character.charCodeAt(0));
  const painter = new Painter(new OffscreenCanvas(8, 8));
  const tile = painter.upload(new Uint16Array(bytes.buffer), width, height);
  const { size, toStored } = framed({ width, height, orientation }, framing);
  const pixels = await painter.proof(size, [
    {
      tiles: [{ tile, area: { x: 0, y: 0, width, height }, light }],
      look,
      toDevice: inverse(toStored),
      clip: { x: 0, y: 0, ...size },
    },
  ]);
  if (pixels === undefined) throw new Error('expected a picture but the card was lost');
  const text = Array.from(pixels, (byte) => String.fromCharCode(byte)).join('');
  return { ...size, pixels: btoa(text) };
};
