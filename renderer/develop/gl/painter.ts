/** Draws tiles with the look onto a canvas, and keeps their textures on the graphics card. */

import { after, inverse, type Affine } from '../geometry.ts';
import type { Size } from '../viewport.ts';
import { Program } from './program.ts';
import { lookShader, vertexShader } from './shader.ts';

/** A rectangle of device pixels, y down. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A tile on the graphics card. */
export interface TileTexture {
  readonly texture: WebGLTexture;
  /** Texels. */
  readonly width: number;
  readonly height: number;
}

/** All inputs of the shader except tiles; names as in `Edits`. */
export interface Look {
  /** 1 − strength. */
  readonly grain: number;
  /** What a moved black level takes from the light. */
  readonly blackShift: readonly [number, number, number];
  readonly balance: readonly [number, number, number];
  /** Value of light that clipped all colours of the sensor, the same in all three. */
  readonly white: number;
  /** Row-major. */
  readonly cameraToOutput: readonly number[];
  readonly luminance: readonly number[];
  readonly exposure: number;
  readonly saturation: number;
  readonly highlights: number;
  readonly shadows: number;
  readonly contrast: number;
  readonly overlay: 'none' | 'clipping' | 'guessed';
  readonly noise: { readonly slope: number; readonly offset: number };
  readonly ratio: number;
  /** Of a merged photo. */
  readonly frames?: FramesMap | undefined;
}

/** How many frames stand behind each block of a merged photo. */
export interface FramesMap {
  readonly texture: WebGLTexture;
  /** Frames that the noise is for. */
  readonly middle: number;
  /** Pixels of the stored frame under the map. */
  readonly width: number;
  readonly height: number;
}

/** One tile and its position. */
export interface Placed {
  readonly tile: TileTexture;
  /** In pixels of the stored frame. */
  readonly area: Box;
  /** Factor for its values. */
  readonly light: number;
}

export interface Layer {
  /** Coarse tiles first; later ones cover earlier ones. */
  readonly tiles: readonly Placed[];
  readonly look: Look;
  /** Stored frame → device pixels. */
  readonly toDevice: Affine;
  /** Nothing is drawn outside this box. */
  readonly clip: Box;
}

const fencePollMs = 4;

const overlays = { none: 0, clipping: 1, guessed: 2 } as const;

/** Owns the canvas's WebGL2 context. */
export class Painter {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: Program;
  /** For photos that were not merged: a sampler has to have a texture. */
  readonly #noFrames: WebGLTexture;
  readonly #proof: WebGLFramebuffer;
  readonly #proofTexture: WebGLTexture;

  /** @throws Error if the browser has no WebGL2 */
  constructor(canvas: HTMLCanvasElement | OffscreenCanvas) {
    const gl = canvas.getContext('webgl2', {
      alpha: true,
      antialias: false,
      depth: false,
      premultipliedAlpha: true,
      preserveDrawingBuffer: false,
    });
    if (gl === null) throw new Error('expected WebGL2 but this computer has none to offer');
    this.#gl = gl;
    this.#program = new Program(gl, vertexShader, lookShader);
    const corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.disable(gl.DITHER);
    this.#noFrames = this.uploadFrames(new Uint8Array(1), 1, 1);
    this.#proof = gl.createFramebuffer();
    this.#proofTexture = gl.createTexture();
  }

  /** @param halves width × height × 4 half floats: R, G, B, grain */
  upload(halves: Uint16Array, width: number, height: number): TileTexture {
    const gl = this.#gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, width, height, 0, gl.RGBA, gl.HALF_FLOAT, halves);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return { texture, width, height };
  }

  /** @param quarters columns × rows: four times the frames behind each block, 255 at most */
  uploadFrames(quarters: Uint8Array, columns: number, rows: number): WebGLTexture {
    const gl = this.#gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, columns, rows, 0, gl.RED, gl.UNSIGNED_BYTE, quarters);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  release({ texture }: Pick<TileTexture, 'texture'>): void {
    this.#gl.deleteTexture(texture);
  }

  /**
   * Draws layers onto an empty canvas.
   * @param size of the canvas in device pixels
   */
  paint(size: Size, layers: readonly Layer[]): void {
    const gl = this.#gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.#draw(size, layers, true);
  }

  /**
   * Draws layers off-screen and reads them back once the card is done. It does not block, so
   * dragging stays smooth.
   * @returns size.width × size.height × 4, 8 bits; the first row is the top one. Undefined if the
   *   card was lost
   */
  async proof(size: Size, layers: readonly Layer[]): Promise<Uint8Array | undefined> {
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, this.#proofTexture);
    gl.texImage2D(
      gl.TEXTURE_2D,
      0,
      gl.RGBA8,
      size.width,
      size.height,
      0,
      gl.RGBA,
      gl.UNSIGNED_BYTE,
      null,
    );
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#proof);
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER,
      gl.COLOR_ATTACHMENT0,
      gl.TEXTURE_2D,
      this.#proofTexture,
      0,
    );
    // Upside down, because rows are read back from the bottom.
    this.#draw(size, layers, false);
    const pixels = new Uint8Array(size.width * size.height * 4);
    const copy = gl.createBuffer();
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, copy);
    gl.bufferData(gl.PIXEL_PACK_BUFFER, pixels.byteLength, gl.STREAM_READ);
    gl.readPixels(0, 0, size.width, size.height, gl.RGBA, gl.UNSIGNED_BYTE, 0);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    const isDone = await this.#done();
    if (isDone) {
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, copy);
      gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, pixels);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    }
    gl.deleteBuffer(copy);
    return isDone ? pixels : undefined;
  }

  /** Resolves once the card has finished all its work; false if it was lost. */
  async #done(): Promise<boolean> {
    const gl = this.#gl;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (fence === null) return false;
    gl.flush();
    for (;;) {
      const state = gl.clientWaitSync(fence, 0, 0);
      if (state !== gl.TIMEOUT_EXPIRED || gl.isContextLost()) {
        gl.deleteSync(fence);
        return state !== gl.WAIT_FAILED && !gl.isContextLost();
      }
      await new Promise((resolve) => setTimeout(resolve, fencePollMs));
    }
  }

  #draw({ width, height }: Size, layers: readonly Layer[], isUpright: boolean): void {
    const gl = this.#gl;
    gl.viewport(0, 0, width, height);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    this.#program.use();
    this.#program.integer('tile', 0);
    this.#program.integer('framesMap', 1);
    gl.activeTexture(gl.TEXTURE0);
    const down = isUpright ? -1 : 1;
    const toClip: Affine = { a: 2 / width, b: 0, c: -1, d: 0, e: (down * 2) / height, f: -down };
    for (const { tiles, look, toDevice, clip } of layers) {
      const left = Math.max(0, Math.round(clip.x));
      const right = Math.min(width, Math.round(clip.x + clip.width));
      const top = Math.max(0, Math.round(clip.y));
      const bottom = Math.min(height, Math.round(clip.y + clip.height));
      if (right <= left || bottom <= top) continue;
      gl.scissor(left, isUpright ? height - bottom : top, right - left, bottom - top);
      this.#setLook(look);
      // If a pixel of the frame is larger than one of the screen, it is drawn without
      // interpolation.
      const perPixel = Math.hypot(toDevice.a, toDevice.d);
      for (const { tile, area, light } of tiles) {
        gl.bindTexture(gl.TEXTURE_2D, tile.texture);
        const isMagnified = (perPixel * area.width) / tile.width > 1.5 && area.width === tile.width;
        const isExact =
          Math.abs((perPixel * area.width) / tile.width - 1) < 1e-4 && isStraight(toDevice);
        const filter = isMagnified || isExact ? gl.NEAREST : gl.LINEAR;
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
        const toFrame: Affine = { a: area.width, b: 0, c: area.x, d: 0, e: area.height, f: area.y };
        const { a, b, c, d, e, f } = after(after(toClip, toDevice), toFrame);
        this.#program.numbers('place', [a, b, c, d, e, f, 0, 0, 1]);
        this.#program.number('light', light);
        this.#program.numbers('area', [area.x, area.y, area.width, area.height]);
        gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
      }
    }
  }

  #setLook(look: Look): void {
    const program = this.#program;
    program.number('grain', look.grain);
    program.numbers('blackShift', look.blackShift);
    program.numbers('balance', look.balance);
    program.number('white', look.white);
    program.numbers('cameraToOutput', look.cameraToOutput);
    program.numbers('luminance', look.luminance);
    program.number('exposure', look.exposure);
    program.number('saturation', look.saturation);
    program.number('highlights', look.highlights);
    program.number('shadows', look.shadows);
    program.number('contrast', look.contrast);
    program.integer('overlay', overlays[look.overlay]);
    program.numbers('noise', [look.noise.slope, look.noise.offset]);
    program.number('ratio', look.ratio);
    const { texture = this.#noFrames, middle = 0, width = 1, height = 1 } = look.frames ?? {};
    program.number('framesMiddle', middle);
    program.numbers('framesSpan', [width, height]);
    this.#gl.activeTexture(this.#gl.TEXTURE1);
    this.#gl.bindTexture(this.#gl.TEXTURE_2D, texture);
    this.#gl.activeTexture(this.#gl.TEXTURE0);
  }
}

function isStraight({ a, b, d, e }: Affine): boolean {
  return (Math.abs(b) < 1e-9 && Math.abs(d) < 1e-9) || (Math.abs(a) < 1e-9 && Math.abs(e) < 1e-9);
}

/** The part of the stored frame that a box of device pixels shows, as an upright bounding box. */
export function areaUnder(box: Box, toDevice: Affine): Box {
  const back = inverse(toDevice);
  const corners = [
    { x: box.x, y: box.y },
    { x: box.x + box.width, y: box.y },
    { x: box.x, y: box.y + box.height },
    { x: box.x + box.width, y: box.y + box.height },
  ].map(({ x, y }) => ({
    x: back.a * x + back.b * y + back.c,
    y: back.d * x + back.e * y + back.f,
  }));
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}
