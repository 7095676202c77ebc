/** Models of the user's own: brought, renamed, copied away, given to one camera, removed. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { App } from '../../main/app/app.ts';
import { Models } from '../../main/network/models.ts';
import { inferenceModel } from '../../main/network/inference-model.ts';
import { parameterCount } from '../../main/network/unet.ts';
import { firstWeights } from '../../main/training/step/weights.ts';
import { pixelUrl } from '../../preload/contract/pixel-url.ts';
import { defaultEdits, editsOfGroups, type Edits } from '../../preload/contract/edits.ts';
import { defaultExportChoice, modelFor } from '../../preload/contract/settings.ts';
import {
  smallModelNamed,
  smallShape,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from '../engine/small.ts';
import { connectMemory, startApp, until, type Connection } from './carriers.ts';

describe('models of the own', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  let app: App;
  let bugs: unknown[];
  let connection: Connection;
  let photo: string;
  let second: string;
  let camera: string;

  beforeAll(async () => {
    writeSmallDngs(photos, 2);
    const onnx = inferenceModel(smallShape, firstWeights(smallShape, 8));
    writeSmallModel(path.join(photos, 'brought'), { onnx, manifest: { id: 'other' } });
    ({ app, bugs } = await startApp(root));
    connection = await connectMemory(app);
    const { client } = connection;
    const opened = await client.call('library.open', { path: photos, subfolders: false });
    [photo = '', second = ''] = opened.photos.map(({ id }) => id);
    const described = await client.call('library.describe', { photos: [photo, second] });
    camera = described.photos[0]?.facts?.camera ?? '';
  });

  afterAll(async () => {
    await connection.close();
    await app.close();
    expect(bugs).toEqual([]);
  });

  const tile = (model: string): Promise<Response> =>
    app.pixels.handle(
      new Request(
        pixelUrl('photo://', { kind: 'tile', photo, model, ratio: 8, level: 0, x: 0, y: 0 }),
      ),
    );
  const exported = async (name: string, of = photo): Promise<Buffer> => {
    const choice = { ...defaultExportChoice, template: name };
    const { total } = await connection.client.call('queue.read', {});
    await connection.client.call('export.start', { photos: [of], exports: [{ choice }] });
    await until(() => app.queue.state.ended === total + 1, name);
    return readFileSync(path.join(photos, 'Nightglass', `${name}.tif`));
  };

  it('are brought, renamed and copied, and what is copied can be brought again', async () => {
    const { client } = connection;
    await client.call('models.import', { path: path.join(photos, 'brought', 'small.json') });
    expect(
      await client.call('models.rename', { model: 'other', name: ' My nights ' }),
    ).toMatchObject({ id: 'other', name: 'My nights' });
    const folder = path.join(photos, 'copies', 'deep');
    const { path: copy } = await client.call('models.export', { model: 'other', folder });
    expect(copy).toBe(path.join(folder, 'other.json'));
    expect(readFileSync(path.join(folder, 'other.md'), 'utf8')).toMatch(/My nights/);
    await expect(client.call('models.export', { model: 'other', folder })).rejects.toMatchObject({
      code: 'bad-argument',
    });
    await client.call('models.remove', { model: 'other' });
    await client.call('models.import', { path: copy });
    const { models } = await client.call('models.list', {});
    expect(models.map(({ id, name }) => [id, name])).toEqual([
      ['small', 'Small'],
      ['other', 'My nights'],
    ]);
  });

  it('are not brought if they cannot run, and nothing of them is left', async () => {
    const weights = new Float32Array(parameterCount(smallShape)).fill(Number.NaN);
    for (const [id, onnx] of [
      ['numberless', inferenceModel(smallShape, weights)],
      ['cut-short', smallOnnx().subarray(0, 300_000)],
    ] as const) {
      const file = writeSmallModel(path.join(photos, id), { onnx, manifest: { id } });
      const bringing = connection.client.call('models.import', { path: file });
      await expect(bringing).rejects.toMatchObject({ code: 'model' });
      await expect(bringing).rejects.toThrow(/small\.json cannot be used/);
    }
    const own = readdirSync(path.join(root, 'data', 'models'));
    expect(own.filter((name) => !name.startsWith('other.'))).toEqual([]);
  });

  it('that came with the app keep their names', async () => {
    await expect(
      connection.client.call('models.rename', { model: 'small', name: 'Mine' }),
    ).rejects.toThrow(/came with the app/);
  });

  it('are copied nowhere that the window may not name', async () => {
    const outside = path.join(root, 'elsewhere');
    await expect(
      connection.client.call('models.export', { model: 'small', folder: outside }),
    ).rejects.toMatchObject({ code: 'bad-argument' });
    expect(existsSync(outside)).toBe(false);
  });

  it('develop the photos of their camera, on screen and in exports', async () => {
    const { client } = connection;
    expect(camera).not.toBe('');
    const before = await exported('before');
    expect(app.library.editsOf(second).model).toBe('default');
    const settings = await client.call('settings.write', { cameraModels: { [camera]: 'other' } });
    expect([modelFor(settings, camera), modelFor(settings, 'Another'), modelFor(settings, undefined)])
      .toEqual(['other', 'small', 'small']); // prettier-ignore
    expect((await tile('other')).status).toBe(200);
    expect((await exported('after', second)).equals(before)).toBe(false);
    // Another default is for photos that were neither edited nor exported: the next picture is the same.
    expect((await exported('again')).equals(before)).toBe(true);
  });

  it('are an edit of the photo: in its sidecar, pasted and undone like the others', async () => {
    const { client } = connection;
    await client.call('library.writeEdits', { photos: [photo, second], edits: defaultEdits });
    const edit = (edits: Partial<Edits>) =>
      client.call('library.writeEdits', { photos: [photo], edits });
    await edit({ exposure: 1 });
    const model = () => app.library.editsOf(photo).model;
    // The first edit writes down the default, which may become another one.
    expect(model()).toBe('other');
    await edit({ model: 'small' });
    const small = await exported('small');
    await client.call('library.undo', {});
    expect(model()).toBe('other');
    await client.call('library.redo', {});
    expect(model()).toBe('small');
    await client.call('settings.write', { cameraModels: {} });
    await client.call('library.undo', {});
    expect((await exported('other')).equals(small)).toBe(false);
    const beside = readFileSync(path.join(photos, '1.dng.nightglass.json'), 'utf8');
    expect(JSON.parse(beside)).toMatchObject({ version: 2, edits: { model: 'other' } });
    await edit(defaultEdits);
    expect(model()).toBe('default');
    const pasted = editsOfGroups({ ...defaultEdits, model: 'small' }, ['model']);
    await client.call('library.writeEdits', { photos: [photo, second], edits: pasted });
    expect(app.library.editsOf(second)).toEqual({ ...defaultEdits, model: 'small' });
  });

  it('that a photo names and that are not here give way to the default, in words', async () => {
    const { client } = connection;
    await client.call('library.writeEdits', { photos: [second], edits: { model: 'long-gone' } });
    expect(app.library.photo(second)).toMatchObject({ missingModel: 'long-gone' });
    const picture = await exported('instead', second);
    const { items } = await client.call('queue.read', {});
    expect(items.at(-1)).toMatchObject({ state: 'done', missingModel: 'long-gone' });
    // The sidecar still says which it was: it may come back.
    expect(app.library.editsOf(second).model).toBe('long-gone');
    const files = path.join(photos, 'returned');
    await client.call('models.import', { path: smallModelNamed(files, 'long-gone') });
    expect(app.library.photo(second)?.missingModel).toBeUndefined();
    expect((await exported('returned', second)).equals(picture)).toBe(false);
    await client.call('models.remove', { model: 'long-gone' });
    expect(app.library.photo(second)).toMatchObject({ missingModel: 'long-gone' });
  });

  it('of an earlier sidecar are the default', async () => {
    const { model: _, ...edits } = defaultEdits;
    const earlier = {
      format: 'nightglass-edits',
      version: 1,
      rating: 2,
      edits: { ...edits, exposure: 1 },
    };
    writeFileSync(path.join(photos, '2.dng.nightglass.json'), JSON.stringify(earlier));
    await connection.client.call('library.open', { path: photos, subfolders: false });
    expect(app.library.photo(second)?.rating).toBe(2);
    expect(app.library.editsOf(second)).toEqual({ ...defaultEdits, exposure: 1 });
  });

  it('are forgotten wherever they were chosen once they are removed', async () => {
    const { client } = connection;
    const cameraModels = { [camera]: 'other' };
    await client.call('settings.write', { model: 'other', cameraModels });
    await client.call('models.remove', { model: 'other' });
    expect(await client.call('settings.read', {})).toMatchObject({
      model: 'small',
      cameraModels: {},
    });
    expect((await tile('small')).status).toBe(200);
  });
});

it('brings a model with the card that lies beside it, and without another’s', async () => {
  const [folder, own] = [temporaryFolder(), path.join(temporaryFolder(), 'own')];
  const file = writeSmallModel(folder, { manifest: { id: 'mine' } });
  const models = new Models(own);
  writeFileSync(path.join(folder, 'small.md'), '# Small\n\nSeen on what it was trained on.\n');
  await models.import(file);
  expect(await models.card('mine')).toContain('Seen on what it was trained on.');
  const copies = temporaryFolder();
  await models.export('mine', copies);
  expect(readFileSync(path.join(copies, 'mine.md'), 'utf8')).toContain('Seen on what it');
  rmSync(path.join(folder, 'small.md'));
  await models.import(file);
  expect(await models.card('mine')).toContain('Untrained, for tests.');
});

it('gives a shipped model the card that the README holds', async () => {
  const models = new Models(path.join(temporaryFolder(), 'none'));
  const readme = readFileSync(path.join(import.meta.dirname, '../../models/README.md'), 'utf8');
  for (const { id, licence } of await models.list()) {
    const own = readme.split(`## \`${id}\`\n`)[1]?.trim().slice(0, 60);
    const card = await models.card(id);
    expect(card).toContain(`Licence: ${licence}`);
    if (own !== undefined) expect(card).toContain(own);
    expect(card).not.toContain('[object');
  }
});
