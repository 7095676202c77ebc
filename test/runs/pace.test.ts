/** On what a training step is made: the faster device, as far as a scripted measuring process says. */

import { expect, it } from 'vitest';
import { z } from 'zod';
import { Pace } from '../../main/runs/pace.ts';
import type { Connect } from '../../main/process/port.ts';
import { surveyCalls } from '../../main/runs/survey-protocol.ts';
import { defaultRecipe } from '../../main/training/recipe.ts';

const recipe = defaultRecipe;
const wide = { ...recipe, unet: { ...recipe.unet, baseChannels: 32 } };
const never = new AbortController().signal;

const question = z.object({
  kind: z.literal('ask'),
  id: z.number(),
  name: z.literal('measure'),
  input: surveyCalls.measure.input,
});

/** Answers as told, by device: milliseconds, why it does not go, or nothing at all. */
function scripted(answers: Record<'cpu' | 'webgpu', number | string | undefined>) {
  const asked: string[] = [];
  const spawn: Connect = (listener) => ({
    send(message) {
      const asking = question.safeParse(message);
      // It is told to stop, too.
      if (!asking.success) return;
      const { id, input } = asking.data;
      asked.push(input.device);
      const answer = answers[input.device];
      if (answer === undefined) return;
      setImmediate(() => {
        listener.receive(
          typeof answer === 'number'
            ? { kind: 'answer', id, output: { stepMs: answer, rssBytes: 1e9 } }
            : { kind: 'failed', id, failure: { code: 'device', message: answer } },
        );
      });
    },
    kill: () => undefined,
  });
  return { asked, pace: new Pace(spawn) };
}

const auto = { recipe, device: 'auto', mayUseCard: true } as const;

it('takes a graphics card that is faster, and says what the processor would take', async () => {
  const { pace } = scripted({ cpu: 100, webgpu: 20 });
  expect(pace.deviceFor(recipe, 'auto')).toBe('cpu');
  expect(await pace.measure(auto, never)).toEqual({
    device: 'webgpu',
    stepMs: 20,
    rssBytes: 1e9,
    processorMs: 100,
  });
  expect(pace.deviceFor(recipe, 'auto')).toBe('webgpu');
  expect(pace.deviceFor(recipe, 'cpu')).toBe('cpu');
  // Another shape was not measured.
  expect(pace.deviceFor(wide, 'auto')).toBe('cpu');
});

it.each([
  ['is hardly faster', 90],
  ['is not there, or calculates wrong', 'expected webgpu'],
])('stays on the processor where the card %s', async (_, webgpu) => {
  const { pace } = scripted({ cpu: 100, webgpu });
  expect(await pace.measure(auto, never)).toEqual({ device: 'cpu', stepMs: 100, rssBytes: 1e9 });
  expect(pace.deviceFor(recipe, 'auto')).toBe('cpu');
});

it('does not try a card that may not be used', async () => {
  const { pace, asked } = scripted({ cpu: 100, webgpu: 20 });
  expect(await pace.measure({ ...auto, mayUseCard: false }, never)).toMatchObject({
    device: 'cpu',
  });
  expect(asked).toEqual(['cpu']);
});

it('says why a card that was asked for by name does not go', async () => {
  const { pace } = scripted({ cpu: 100, webgpu: 'expected webgpu' });
  await expect(pace.measure({ ...auto, device: 'webgpu' }, never)).rejects.toMatchObject({
    code: 'device',
  });
});

it('can be cancelled while a card is tried', async () => {
  const { pace } = scripted({ cpu: 100, webgpu: undefined });
  const controller = new AbortController();
  const measuring = pace.measure(auto, controller.signal);
  setTimeout(() => {
    controller.abort();
  }, 20);
  await expect(measuring).rejects.toMatchObject({ code: 'cancelled' });
  expect(pace.deviceFor(recipe, 'auto')).toBe('cpu');
});
