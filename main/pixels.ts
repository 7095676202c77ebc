/** Answers every address of pixels, for Electron's `photo://` and for loopback HTTP alike. */

import {
  parsePixelUrl,
  plainScale,
  tileHeaders,
  tileType,
  type Pixels,
} from '../preload/pixel-url.ts';
import { ByteCache } from './byte-cache.ts';
import type { View } from './engine/preview-process.ts';
import type { Picture } from './engine/protocol.ts';
import type { EngineHost } from './jobs/engine-host.ts';
import { editOf } from './jobs/edit.ts';
import type { Library } from './library/library.ts';
import { describeError, Refusal } from './refusal.ts';

export interface PixelParts {
  readonly library: Library;
  readonly view: View;
  readonly engine: EngineHost;
  /** The model that develops a photo. @throws Refusal as `decodeRaw`, `cancelled` */
  readonly modelOf: (photo: string, signal: AbortSignal) => Promise<string>;
  readonly cacheBytes: () => number;
  /** Bugs; refusals are the answer. */
  readonly onBug: (error: unknown) => void;
}

/** Of thumbnails, in pixels. */
const thumbSide = 384;

export class PixelServer {
  readonly #parts: PixelParts;
  readonly #cache: ByteCache<Picture>;

  constructor(parts: PixelParts) {
    this.#parts = parts;
    this.#cache = new ByteCache(parts.cacheBytes);
  }

  /**
   * Tiles as half floats, pictures as JPEG. Aborting the request stops the work for it. 404: no such
   * address or photo; 422: the photo is refused, as JSON with `code` and `message`; 409: tiles of
   * another model than the chosen one; 499: aborted.
   */
  async handle(request: Request): Promise<Response> {
    if (request.method !== 'GET') return new Response(null, { status: 405 });
    const pixels = parsePixelUrl(request.url);
    if (pixels === undefined || this.#parts.library.photo(pixels.photo) === undefined) {
      return new Response(null, { status: 404 });
    }
    try {
      return answer(pixels, await this.#picture(pixels, request.signal));
    } catch (error) {
      return this.#failure(error, request.signal);
    }
  }

  async #picture(pixels: Pixels, signal: AbortSignal): Promise<Picture> {
    const { library, modelOf } = this.#parts;
    const photo = library.pathOf(pixels.photo);
    const isNetworks = pixels.kind === 'bright' || pixels.kind === 'tile';
    const model = isNetworks ? await modelOf(photo, signal) : '';
    const key = `${library.fileStamp(pixels.photo)} ${model} ${JSON.stringify(pixels)}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const picture = await this.#make(pixels, photo, model, signal);
    this.#cache.set(key, picture);
    return picture;
  }

  #make(pixels: Pixels, photo: string, model: string, signal: AbortSignal): Promise<Picture> {
    const { library, view, engine } = this.#parts;
    switch (pixels.kind) {
      case 'thumb':
        return view.picture({ kind: 'thumb', photo, longSide: thumbSide }, signal);
      case 'preview':
        return view.picture({ kind: 'preview', photo }, signal);
      case 'plain': {
        const { level, x, y } = pixels;
        return view.picture({ kind: 'plain', photo, level, x, y, scale: plainScale }, signal);
      }
      case 'bright': {
        const edit = editOf(library.editsOf(pixels.photo), { space: 'srgb' });
        return engine.use(model, (open) =>
          open.preview({ kind: 'bright', photo, edit, longSide: thumbSide }, { signal }),
        );
      }
      case 'tile': {
        const { ratio, level, x, y } = pixels;
        if (model !== pixels.model) {
          throw new Refusal('model', `the model ${pixels.model} is not the one that is chosen`);
        }
        return engine.use(model, (open) =>
          open.preview({ kind: 'tile', photo, ratio, level, x, y }, { signal }),
        );
      }
    }
  }

  #failure(error: unknown, signal: AbortSignal): Response {
    if (signal.aborted) return new Response(null, { status: 499 });
    if (!(error instanceof Refusal)) {
      this.#parts.onBug(error);
      return new Response(null, { status: 500 });
    }
    // Not by the one who asks: the engine was changed under it. Asking again will do.
    if (error.code === 'cancelled') return new Response(null, { status: 503 });
    return Response.json({ code: error.code, message: describeError(error) }, { status: 422 });
  }
}

function answer(pixels: Pixels, { bytes, width, height }: Picture): Response {
  const isTile = pixels.kind === 'tile' || pixels.kind === 'plain';
  // Thumbnails' addresses change with what they show; the others are cached here, not there.
  const isStamped = pixels.kind === 'thumb' || pixels.kind === 'bright';
  const headers: Record<string, string> = {
    'content-type': isTile ? tileType : 'image/jpeg',
    'cache-control': isStamped ? 'private, max-age=86400' : 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isTile ? { [tileHeaders.width]: String(width), [tileHeaders.height]: String(height) } : {}),
  };
  // A copy in memory of its own: what is cached may be shared with another thread.
  return new Response(new Uint8Array(bytes), { headers });
}
