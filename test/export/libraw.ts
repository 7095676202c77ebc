/** LibRaw itself, without the decoder around it: the other reader for the files we write. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import createModule from 'libraw-wasm/dist/libraw.js';
import { z } from 'zod';

const imageShape = z.looseObject({
  width: z.number(),
  height: z.number(),
  data: z.union([z.instanceof(Uint16Array), z.instanceof(Uint8Array)]),
});

const metadataShape = z.looseObject({
  camera_make: z.string(),
  camera_model: z.string(),
  iso_speed: z.number(),
  shutter: z.number(),
  flip: z.number(),
  top_margin: z.number(),
  left_margin: z.number(),
  width: z.number(),
  height: z.number(),
  color_data: z.looseObject({
    maximum: z.number(),
    cam_mul: z.array(z.number()),
    dng_color: z.array(
      z.looseObject({ illuminant: z.number(), colormatrix: z.array(z.array(z.number())) }),
    ),
    dng_levels: z.looseObject({
      asshotneutral: z.array(z.number()),
      baseline_exposure: z.number(),
    }),
  }),
});

interface LibRawView {
  readonly metadata: z.infer<typeof metadataShape>;
  readonly width: number;
  readonly height: number;
  readonly samples: Uint16Array;
}

/**
 * @param kind `mosaic`: the whole sensor plane as it lies in the file; `linear`: three channels
 *   after black subtraction, nothing scaled, no colour converted, not turned
 */
export async function readWithLibRaw(
  bytes: Uint8Array,
  kind: 'mosaic' | 'linear',
): Promise<LibRawView> {
  const wasm = fileURLToPath(import.meta.resolve('libraw-wasm/dist/libraw.wasm'));
  const { LibRaw } = await createModule({
    wasmBinary: readFileSync(wasm),
    wasmMemory: new WebAssembly.Memory({ initial: 4096, maximum: 32_768, shared: true }),
    print: () => undefined,
    printErr: () => undefined,
  });
  const file = new LibRaw();
  file.open(new Uint8Array(bytes), {
    outputBps: 16,
    outputColor: 0,
    gamm: [1, 1, 0, 0, 0, 0],
    noAutoBright: true,
    noAutoScale: true,
    userFlip: 0,
    highlight: 1,
  });
  const metadata = metadataShape.parse(file.metadata(true));
  const { width, height, data } = imageShape.parse(
    kind === 'mosaic' ? file.rawImageData() : file.imageData(),
  );
  const copy = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { metadata, width, height, samples: new Uint16Array(copy.buffer) };
}
