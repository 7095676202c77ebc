/** The engine's process: it owns the network, and dies alone if native code takes it down. */

import { onePassOf } from '../network/one-pass.ts';
import { readModel } from '../network/manifest.ts';
import { openNetwork } from '../network/session.ts';
import { testDevice } from '../network/device.ts';
import { Darkroom, type DarkroomEvents } from './darkroom.ts';
import { onParentMessage, toParent } from './parent.ts';
import { PreviewDesk } from './previews/desk.ts';
import { failureOf, requestSchema, type Reply, type Request } from './protocol.ts';

let darkroom: Darkroom | undefined;
let previews: PreviewDesk | undefined;

function reply(message: Reply): void {
  toParent(message);
}

async function open(request: Extract<Request, { kind: 'open' }>): Promise<void> {
  try {
    await previews?.close();
    await darkroom?.close();
    const { network, onePass } = await openNetworks(request);
    const events: DarkroomEvents = {
      progress: (id, progress) => {
        reply({ kind: 'progress', id, progress });
      },
      done: (id, result) => {
        const peakRssBytes = process.resourceUsage().maxRSS * 1024;
        reply({ kind: 'done', id, result, peakRssBytes });
      },
      taken: (id) => {
        reply({ kind: 'taken', id });
      },
      failed: (id, failure) => {
        reply({ kind: 'failed', id, failure });
      },
    };
    darkroom = new Darkroom(network, events, onePass);
    previews = new PreviewDesk(darkroom, {
      done: (id, picture) => {
        reply({ kind: 'previewed', id, picture });
      },
      failed: (id, failure) => {
        reply({ kind: 'preview-failed', id, failure });
      },
    });
    reply({ kind: 'opened' });
  } catch (error) {
    reply({ kind: 'not-opened', failure: failureOf(error) });
  }
}

/** The network for what is kept and the one for the view; often they are the same. */
async function openNetworks({
  model,
  device,
  threads,
  isQuick,
}: Extract<Request, { kind: 'open' }>) {
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

async function test({ model, device, side }: Extract<Request, { kind: 'test' }>): Promise<void> {
  try {
    reply({ kind: 'tested', verdict: await testDevice(await readModel(model), device, side) });
  } catch (error) {
    const { message } = failureOf(error);
    reply({ kind: 'tested', verdict: { device, isTrusted: false, account: message } });
  }
}

onParentMessage((unknown) => {
  const request = requestSchema.parse(unknown);
  switch (request.kind) {
    case 'open':
      void open(request);
      break;
    case 'enhance':
      if (darkroom === undefined) {
        const failure = { message: 'expected "open" before the first photo' };
        reply({ kind: 'failed', id: request.job.id, failure });
      } else {
        darkroom.start(request.job);
      }
      break;
    case 'cancel':
      darkroom?.cancel(request.id);
      break;
    case 'preview':
      previews?.start(request.id, request.job);
      break;
    case 'warm':
      previews?.warm();
      break;
    case 'cancel-preview':
      previews?.cancel(request.id);
      break;
    case 'test':
      void test(request);
      break;
  }
});
