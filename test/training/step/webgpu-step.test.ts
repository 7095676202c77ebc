/** Training on WebGPU, on SwiftShader: a graphics card in software. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { noSwiftShader, swiftShader } from '../../engine/swiftshader.ts';

const steps = z.object({
  losses: z.array(z.number()),
  third: z.number(),
  again: z.number(),
  step: z.number(),
  isFinite: z.boolean(),
});
const measured = z.object({ gradientDifference: z.number(), cpu: steps, webgpu: steps });

it('WebGPU gives the processor’s gradients, and keeps its state (needs Debian’s chromium, for its SwiftShader)', ({
  skip,
}) => {
  const environment = swiftShader();
  if (environment === undefined) skip(noSwiftShader);
  const child = spawnSync(
    process.execPath,
    [path.join(import.meta.dirname, 'webgpu-step-child.ts')],
    {
      env: { ...process.env, ...environment },
      encoding: 'utf8',
    },
  );
  expect(child.stderr).toBe('');
  const { gradientDifference, cpu, webgpu } = measured.parse(JSON.parse(child.stdout));
  // Both sum in single precision, in other orders.
  expect(gradientDifference).toBeLessThan(1e-4);
  expect(webgpu).toMatchObject({ step: 3, isFinite: true });
  webgpu.losses.forEach((loss, index) => {
    expect(loss).toBeCloseTo(cpu.losses[index] ?? Number.NaN, 3);
  });
  // A checkpoint is all there is: what was read back goes on as what stayed.
  expect(webgpu.again).toBeCloseTo(webgpu.third, 6);
  expect(cpu.again).toBe(cpu.third);
}, 180_000);
