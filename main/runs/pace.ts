/** Measures how long a training step takes on this computer, and which device is fastest. */

import { Refusal } from '../base/refusal.ts';
import type { Recipe } from '../training/recipe.ts';
import type { TrainingDevice } from '../training/step/step-session.ts';
import type { Lesson } from '../../preload/contract/training.ts';
import type { Connect } from '../process/port.ts';
import { survey } from './survey.ts';
import { surveyCalls } from './survey-protocol.ts';

export interface PaceQuestion {
  readonly recipe: Recipe;
  /** `auto` measures both and takes the faster. */
  readonly device: Lesson['device'];
  /** Processor threads; all if absent. */
  readonly threads?: number | undefined;
  /** Whether a graphics card may be tried. */
  readonly mayUseCard: boolean;
}

export interface MeasuredPace {
  readonly device: TrainingDevice;
  readonly stepMs: number;
  readonly rssBytes: number;
  /** The processor's time, where a graphics card was faster. */
  readonly processorMs?: number;
}

/** A graphics card must take at most this share of the time; a slightly faster one is left to other programs. */
const worthIt = 0.8;
/** Drivers first compile hundreds of shaders. One that takes longer has hung or is emulated in software. */
const cardTestMs = 60_000;

export class Pace {
  readonly #spawn: Connect;
  readonly #fastest = new Map<string, TrainingDevice>();

  constructor(spawn: Connect) {
    this.#spawn = spawn;
  }

  /** @throws Refusal `device` if there is no such device or it calculates wrong; `cancelled` */
  async measure(question: PaceQuestion, signal: AbortSignal): Promise<MeasuredPace> {
    const { recipe, device, mayUseCard } = question;
    if (device !== 'auto') return this.#measureOn(device, question, signal);
    const processor = await this.#measureOn('cpu', question, signal);
    const card = mayUseCard ? await this.#tryCard(question, signal) : undefined;
    const isFaster = card !== undefined && card.stepMs < processor.stepMs * worthIt;
    this.#fastest.set(keyOf(recipe), isFaster ? 'webgpu' : 'cpu');
    return isFaster ? { ...card, processorMs: processor.stepMs } : processor;
  }

  /** What `auto` means for a recipe: the device measured as faster, else the processor. */
  deviceFor(recipe: Recipe, asked: Lesson['device']): TrainingDevice {
    return asked === 'auto' ? (this.#fastest.get(keyOf(recipe)) ?? 'cpu') : asked;
  }

  async #measureOn(
    device: TrainingDevice,
    { recipe, threads }: PaceQuestion,
    signal: AbortSignal,
  ): Promise<MeasuredPace> {
    const asked = { recipe, device, threads };
    const options = { spawn: this.#spawn, signal };
    return { device, ...(await survey(surveyCalls.measure, asked, options)) };
  }

  /** @returns undefined if there is no usable card; that is no error, since nobody asked for it by name */
  async #tryCard(question: PaceQuestion, signal: AbortSignal): Promise<MeasuredPace | undefined> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(cardTestMs)]);
    try {
      return await this.#measureOn('webgpu', question, limited);
    } catch (error) {
      if (signal.aborted || !(error instanceof Refusal)) throw error;
      return undefined;
    }
  }
}

/** The parts of a recipe that determine a step's time. */
function keyOf({ unet, batch, patchPacked, loss, optimizer }: Recipe): string {
  return JSON.stringify([unet, batch, patchPacked, loss, optimizer]);
}
