/** Answers requests for pixels, for Electron's `photo://` and for loopback HTTP. */

import { readFile, stat } from 'node:fs/promises';
import {
  parsePixelUrl,
  plainScale,
  requestOf,
  tileHeaders,
  tileType,
  type Pixels,
} from '../../preload/contract/pixel-url.ts';
import { ByteCache } from '../base/byte-cache.ts';
import type { View } from '../view/process.ts';
import type { Picture } from '../engine/protocol.ts';
import type { EngineHost } from '../jobs/engine-host.ts';
import { editOf } from '../jobs/edit.ts';
import type { Library } from '../library/library.ts';
import { stampOf } from '../library/photo-id.ts';
import type { ThumbnailCache } from '../library/thumbnail-cache.ts';
import type { Checks } from '../runs/checks.ts';
import type { TrainingDesk } from '../runs/desk.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import packageJson from '../../package.json' with { type: 'json' };

export interface PixelParts {
  readonly library: Library;
  readonly view: View;
  readonly engine: EngineHost;
  readonly desk: TrainingDesk;
  readonly checks: Checks;
  /** The model that develops a photo. @throws Refusal as `decodeRaw`, `cancelled` */
  readonly modelOf: (photo: string, signal: AbortSignal) => Promise<string>;
  /** Changes with the model's weights, whatever its id, and with measurements of cameras. */
  readonly modelVersion: (model: string) => Promise<string>;
  readonly cacheBytes: () => number;
  /** Thumbnails kept between runs. */
  readonly thumbnails: ThumbnailCache;
  /** Called for bugs; refusals go into the answer. */
  readonly onBug: (error: unknown) => void;
}

/** Pixels of the open folder's photos. */
type PhotoPixels = Exclude<Pixels, { kind: 'check' | 'run' }>;

/** Longer side of thumbnails, in pixels. */
const thumbSide = 384;

export class PixelServer {
  readonly #parts: PixelParts;
  readonly #cache: ByteCache<Picture>;
  readonly #underWay = new Map<number, AbortController>();

  constructor(parts: PixelParts) {
    this.#parts = parts;
    this.#cache = new ByteCache(parts.cacheBytes);
  }

  /**
   * Tiles as half floats, pictures as JPEG. Aborting the request stops its work. 404: no such
   * address or photo; 422: the photo or the model is refused, as JSON with `code` and `message`; 499:
   * aborted.
   */
  async handle(request: Request): Promise<Response> {
    if (request.method !== 'GET') return new Response(null, { status: 405 });
    const pixels = parsePixelUrl(request.url);
    if (pixels === undefined) return new Response(null, { status: 404 });
    const cancelling = new AbortController();
    const signal = AbortSignal.any([request.signal, cancelling.signal]);
    const number = requestOf(request.url);
    if (number !== undefined) this.#underWay.set(number, cancelling);
    const { library, checks, desk } = this.#parts;
    try {
      switch (pixels.kind) {
        case 'check': {
          const { bytes } = await checks.picture(pixels.check, pixels.index, signal);
          return answerWith(bytes, 'image/jpeg', 'private, max-age=86400');
        }
        case 'run': {
          const file = desk.pictureOf(pixels.run, pixels.file);
          const bytes = await readFile(file).catch(() => undefined);
          if (bytes === undefined) return new Response(null, { status: 404 });
          return answerWith(bytes, 'image/png', 'no-store');
        }
        default:
          if (library.photo(pixels.photo) === undefined) return new Response(null, { status: 404 });
          return answer(pixels, await this.#picture(pixels, signal));
      }
    } catch (error) {
      return this.#failure(error, signal);
    } finally {
      if (number !== undefined) this.#underWay.delete(number);
    }
  }

  /** Cancels a fetch by its number, because Electron does not report aborted fetches. */
  cancel(request: number): void {
    this.#underWay.get(request)?.abort();
  }

  async #picture(pixels: PhotoPixels, signal: AbortSignal): Promise<Picture> {
    const { library, modelOf, modelVersion, thumbnails } = this.#parts;
    const photo = library.pathOf(pixels.photo);
    // The window names a tile's model, which it may just have chosen and not yet written.
    const model =
      pixels.kind === 'tile'
        ? pixels.model
        : pixels.kind === 'bright'
          ? await modelOf(photo, signal)
          : '';
    const version = model === '' ? '' : await modelVersion(model);
    const stamp = library.fileStamp(pixels.photo);
    const isThumbnail = pixels.kind === 'thumb' || pixels.kind === 'bright';
    const of = isThumbnail ? this.#thumbnailOf(pixels) : JSON.stringify(pixels);
    const key = `${packageJson.version} ${photo} ${stamp} ${model} ${version} ${of}`;
    const known = this.#cache.get(key) ?? (isThumbnail ? await this.#stored(key) : undefined);
    if (known !== undefined) return known;
    const picture = await this.#make(pixels, photo, model, signal);
    this.#cache.set(key, picture);
    if (isThumbnail) {
      // Stored only if the file was not replaced since it was listed; otherwise the picture belongs
      // to another version.
      thumbnails.set(key, picture.bytes, async () => (await stampIn(photo)) === stamp);
    }
    return picture;
  }

  /** The address contains the stamp that the window knows; the picture uses the current edits. */
  #thumbnailOf({ kind, photo }: PhotoPixels): string {
    const { library } = this.#parts;
    const edit = kind === 'bright' ? editOf(library.editsOf(photo), { space: 'srgb' }) : {};
    return JSON.stringify([kind, thumbSide, edit]);
  }

  async #stored(key: string): Promise<Picture | undefined> {
    const bytes = await this.#parts.thumbnails.get(key);
    if (bytes === undefined) return undefined;
    const picture = { width: 0, height: 0, bytes };
    this.#cache.set(key, picture);
    return picture;
  }

  #make(pixels: PhotoPixels, photo: string, model: string, signal: AbortSignal): Promise<Picture> {
    const { library, view, engine } = this.#parts;
    switch (pixels.kind) {
      case 'thumb':
        return view.picture({ kind: 'thumb', photo, longSide: thumbSide }, signal);
      case 'preview':
      case 'frames':
        return view.picture({ kind: pixels.kind, photo }, signal);
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
    // The engine was replaced, rather than the request aborted, so the client should ask again.
    if (error.code === 'cancelled') return new Response(null, { status: 503 });
    return Response.json({ code: error.code, message: describeError(error) }, { status: 422 });
  }
}

function answer(pixels: PhotoPixels, { bytes, width, height }: Picture): Response {
  const isTile = ['tile', 'plain', 'frames'].includes(pixels.kind);
  // Thumbnail addresses change with their content, so browsers may cache them. Other pictures are
  // only cached here.
  const isStamped = pixels.kind === 'thumb' || pixels.kind === 'bright';
  const size: Record<string, string> = isTile
    ? { [tileHeaders.width]: String(width), [tileHeaders.height]: String(height) }
    : {};
  const cacheControl = isStamped ? 'private, max-age=86400' : 'no-store';
  return answerWith(bytes, isTile ? tileType : 'image/jpeg', cacheControl, size);
}

function answerWith(
  bytes: Uint8Array,
  contentType: string,
  cacheControl: string,
  more: Readonly<Record<string, string>> = {},
): Response {
  const headers = {
    'content-type': contentType,
    'cache-control': cacheControl,
    'x-content-type-options': 'nosniff',
    ...more,
  };
  // Copied, because cached bytes may be shared with another thread.
  return new Response(new Uint8Array(bytes), { headers });
}

async function stampIn(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? undefined : stampOf(found.mtimeMs, found.size);
}
