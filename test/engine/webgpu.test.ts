/** A photo through WebGPU, on SwiftShader: a graphics card in software. */

import path from 'node:path';

import { expect, it } from 'vitest';

import { differenceMax, largestDifference } from './pictures.ts';
import { openSmallEngine, order } from './processes.ts';
import {
  smallShape,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from './small.ts';
import { noSwiftShader, swiftShader } from './swiftshader.ts';

const folder = temporaryFolder();

for (const passes of [1, 2] as const) {
  const looks = passes === 1 ? 'one look' : 'two looks';
  it(`WebGPU gives the processor’s picture in ${looks} (needs Debian’s chromium, for its SwiftShader)`, async ({
    skip,
    onTestFinished,
  }) => {
    const environment = swiftShader();
    if (environment === undefined) skip(noSwiftShader);
    const before = { ...process.env };
    onTestFinished(() => {
      process.env = before;
    });
    Object.assign(process.env, environment);

    const out = temporaryFolder();
    const [photo = ''] = writeSmallDngs(path.join(folder, `in-${String(passes)}`), 1);
    // Few levels: each has shaders of its own, which a processor takes seconds to compile.
    const shape = { ...smallShape, levels: 2 };
    const shallow = writeSmallModel(path.join(folder, `shallow-${String(passes)}`), {
      onnx: smallOnnx(shape, passes),
      manifest: { unet: shape, passes },
    });
    for (const device of ['cpu', 'webgpu'] as const) {
      const { engine, troubles } = await openSmallEngine(shallow, { device });
      const target = path.join(out, `${device}.tif`);
      const enhanced = await engine.enhance(order(photo, target));
      expect(troubles).toEqual([]);
      expect(enhanced).toMatchObject({ result: { device } });
    }
    // Both sum in single precision, in other orders.
    const difference = await largestDifference(
      path.join(out, 'cpu.tif'),
      path.join(out, 'webgpu.tif'),
    );
    expect(difference).toBeLessThan(differenceMax);
  }, 180_000);
}
