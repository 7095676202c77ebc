/** The model that is made of a checkpoint, and what it is called. */

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModel } from '../../../main/network/manifest.ts';
import { openNetwork } from '../../../main/network/session.ts';
import { defaultRecipe, type Recipe } from '../../../main/training/recipe.ts';
import { idOfName } from '../../../main/training/run/model-title.ts';
import { freshState } from '../../../main/training/run/run.ts';
import { writeModel } from '../../../main/training/run/trained-model.ts';

const tiny: Recipe = {
  ...defaultRecipe,
  unet: { ...defaultRecipe.unet, baseChannels: 4, levels: 3 },
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-trained-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('a model', () => {
  const title = { id: 'made', name: 'Made', description: '', licence: 'CC0-1.0' };

  it('made of a checkpoint opens, and has its facts in the manifest', async () => {
    const checkpoint = { recipe: tiny, dataset: 'made', state: { ...freshState(tiny), step: 3 } };
    const { manifest, onnx } = await writeModel(folder, checkpoint, title, {
      facts: { photos: 2 },
    });
    const model = await readModel(manifest);
    expect(model.manifest).toMatchObject({
      id: 'made',
      unet: tiny.unet,
      training: { photos: 2, step: 3, dataset: 'made', recipe: tiny },
      sha256: createHash('sha256')
        .update(await readFile(onnx))
        .digest('hex'),
    });
    const network = await openNetwork(model, { device: 'cpu', threads: 1 });
    const output = await network.run(new Float32Array(4 * 16 * 32).fill(0.1), 32, 16);
    await network.release();
    expect(output.length).toBe(12 * 16 * 32);
    expect(output.every(Number.isFinite)).toBe(true);
  });

  it('gets an id out of its name', () => {
    expect(idOfName('My A7S, fast')).toBe('my-a7s-fast');
    expect(idOfName(' Über  Nacht! ')).toBe('uber-nacht');
    expect(idOfName('夜')).toBe('');
  });
});
