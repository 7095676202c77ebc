/**
 * The real processes and threads, with odd messages on their wires in both directions: nobody ends,
 * and what was asked is answered.
 */

import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { measureCameraCall } from '../../main/calibration/calibrate-call.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import { engineCalls } from '../../main/engine/protocol.ts';
import { enhanceCall, previewCall } from '../../main/engine/window-request.ts';
import { Peer } from '../../main/process/peer.ts';
import type { Connect } from '../../main/process/port.ts';
import { joinThread } from '../../main/process/thread.ts';
import { spawnNodeSurvey, survey } from '../../main/runs/survey.ts';
import { surveyCalls } from '../../main/runs/survey-protocol.ts';
import { loadPhotosCall } from '../../main/training/photos/batch-calls.ts';
import { createRun, readRun } from '../../main/training/run/folder.ts';
import { spawnNodeTraining } from '../../main/training/run/process.ts';
import { trainCall } from '../../main/training/run/protocol.ts';
import { spawnNodeView, View } from '../../main/view/process.ts';
import { viewCalls } from '../../main/view/protocol.ts';
import { openSmallEngine, order } from '../engine/processes.ts';
import { temporaryFolder, writeSmallDngs, writeSmallModel } from '../engine/small.ts';
import { writePhotos } from '../training/photos/made-photos.ts';
import { smallPlan, training } from '../training/run/small-run.ts';
import { oddMessages } from './odd-messages.ts';

const folder = temporaryFolder();
const photos = path.join(folder, 'photos');
const [photo = ''] = writeSmallDngs(photos, 1);
const model = writeSmallModel(path.join(folder, 'model'));
const never = new AbortController().signal;
const missing = path.join(folder, 'missing.dng');

/** From here to the end of the test, children of this process and their threads say odd things. */
function oddChildren(): void {
  const before = process.env['NODE_OPTIONS'];
  const program = new URL('./say-odd-things.ts', import.meta.url).href;
  process.env['NODE_OPTIONS'] = `${before ?? ''} --import ${program}`;
  onTestFinished(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  });
}

/** A peer that was told all odd things before anything else; ended with the test. */
function oddlyTreated(connect: Connect): Peer {
  const peer = new Peer('the child', (listener) => {
    const port = connect(listener);
    for (const message of oddMessages) {
      try {
        port.send(message);
      } catch (error) {
        // Node's channel between processes refuses undefined and functions by itself.
        const code: unknown = expect.stringMatching(/^ERR_(MISSING_ARGS|INVALID_ARG_TYPE)$/);
        expect(error).toMatchObject({ code });
      }
    }
    return port;
  });
  onTestFinished(() => {
    peer.close();
  });
  return peer;
}

it('a viewing process that says odd things still shows photos', async () => {
  oddChildren();
  const view = new View(spawnNodeView);
  onTestFinished(() => {
    view.close();
  });
  const opened = await view.open(photo);
  expect(opened.width).toBeGreaterThan(0);
  const { bytes } = await view.picture({ kind: 'thumb', photo, longSide: 64 });
  expect(bytes.length).toBeGreaterThan(0);
});

it('an engine that says odd things still enhances photos and draws the view', async () => {
  oddChildren();
  const { engine, troubles } = await openSmallEngine(model);
  const tile = { kind: 'tile', photo, ratio: 4, level: 0, x: 0, y: 0 } as const;
  const [enhanced, picture] = await Promise.all([
    engine.enhance(order(photo, path.join(folder, 'a.tif'))),
    engine.preview(tile),
  ]);
  expect(enhanced).toMatchObject({ result: { photo } });
  expect(picture.bytes.length).toBeGreaterThan(0);
  expect(troubles).toEqual([]);
});

it('a survey that says odd things still answers', async () => {
  oddChildren();
  const found = await survey(
    surveyCalls.photos,
    { folders: [photos] },
    { spawn: spawnNodeSurvey, signal: never },
  );
  expect(found.files).toEqual([photo]);
});

it('a training process whose threads say odd things too still trains', async () => {
  const clean = path.join(folder, 'clean');
  await writePhotos(clean, 2, 96);
  const run = path.join(folder, 'run');
  await createRun(run, smallPlan(clean, 8));
  oddChildren();
  expect(await training(run, () => undefined).ended).toBeUndefined();
  expect((await readRun(run)).description.state.kind).toBe('done');
});

it.each([
  ['viewing process', spawnNodeView, (peer: Peer) => peer.ask(viewCalls.open, { photo: missing })],
  [
    'engine',
    spawnNodeEngine,
    (peer: Peer) =>
      peer.ask(engineCalls.open, { model: missing, device: 'cpu' as const, isQuick: false }),
  ],
  ['survey', spawnNodeSurvey, (peer: Peer) => peer.ask(surveyCalls.camera, { dark: missing })],
  [
    'training process',
    spawnNodeTraining,
    (peer: Peer) =>
      peer.ask(trainCall, { folder: missing, acceptsOtherData: false, withoutCard: true }),
  ],
])('a %s that is told odd things still answers', async (_, spawn, ask) => {
  await expect(ask(oddlyTreated(spawn))).rejects.toMatchObject({ name: 'Refusal' });
});

const terms = { clamp: 1, whiteBalanced: true, domain: 'camera-linear' };
const { output, ...job } = order(missing, path.join(folder, 'b.tif'));

it.each([
  [
    'engine/darkroom-worker.ts',
    (peer: Peer) => peer.ask(enhanceCall, { ...job, output, windowAreaMax: 1e6 }),
  ],
  [
    'engine/previews/worker.ts',
    (peer: Peer) =>
      peer.ask(previewCall, { kind: 'prepare', photo: missing, ratio: 'auto', isAhead: false }),
  ],
  [
    'calibration/worker.ts',
    (peer: Peer) => peer.ask(measureCameraCall, { dark: [missing], flat: [] }),
  ],
  [
    'training/photos/loader.ts',
    (peer: Peer) => peer.ask(loadPhotosCall, { files: [missing], bytesMax: 1e6 }),
  ],
])('the thread %s that is told odd things still answers', async (program, ask) => {
  const worker = new Worker(new URL(`../../main/${program}`, import.meta.url), {
    workerData: terms,
  });
  await expect(ask(oddlyTreated(joinThread(worker)))).rejects.toMatchObject({ name: 'Refusal' });
});
