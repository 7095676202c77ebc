/**
 * The engine's process. It owns the network, so that a crash in native code takes down only this
 * process.
 */

import { appFolder } from '../base/app-folder.ts';
import { Log } from '../base/log.ts';
import type { z } from 'zod';
import { testDevice } from '../network/device.ts';
import { onePassOf } from '../network/one-pass.ts';
import { readModel } from '../network/manifest.ts';
import { openNetwork } from '../network/session.ts';
import { joinParent } from '../process/parent.ts';
import { describeError } from '../base/refusal.ts';
import { Darkroom } from './darkroom.ts';
import { PreviewDesk } from './previews/desk.ts';
import { engineCalls, warmNote } from './protocol.ts';

interface Rooms {
  readonly darkroom: Darkroom;
  readonly previews: PreviewDesk;
}

let rooms: Rooms | undefined;

/** Opens the network for exports and the one for the view, which are often the same. */
async function openNetworks({
  model,
  device,
  threads,
  isQuick,
}: z.infer<typeof engineCalls.open.input>) {
  const options = { device, ...(threads === undefined ? {} : { threads }) };
  const read = await readModel(model);
  const quick = onePassOf(read);
  if (quick === undefined) return { network: await openNetwork(read, options) };
  const onePass = await openNetwork(quick, options);
  if (isQuick) return { network: onePass };
  const network = await openNetwork(read, options).catch(async (error: unknown) => {
    await onePass.release();
    throw error;
  });
  return { network, onePass };
}

function opened(): Rooms {
  if (rooms === undefined) throw new Error('expected “open” before the first photo');
  return rooms;
}

new Log(appFolder()).watchProcess('child');
const app = joinParent();

app.answer(engineCalls.open, async (request) => {
  await rooms?.previews.close();
  await rooms?.darkroom.close();
  rooms = undefined;
  const { network, onePass } = await openNetworks(request);
  const darkroom = new Darkroom(network, onePass);
  rooms = { darkroom, previews: new PreviewDesk(darkroom) };
  return undefined;
});

app.answer(engineCalls.enhance, async (job, { signal, onProgress }) => {
  const result = await opened().darkroom.enhance(job, { signal, onProgress });
  return result === 'taken'
    ? result
    : { result, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
});

app.answer(engineCalls.preview, (job, { signal }) => opened().previews.show(job, signal));

app.listen(warmNote, () => {
  rooms?.previews.warm();
});

app.answer(engineCalls.test, async ({ model, device, side }) => {
  try {
    return await testDevice(await readModel(model), device, side);
  } catch (error) {
    return { device, isTrusted: false, account: describeError(error) };
  }
});
