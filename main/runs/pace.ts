/** How long a training step takes here, and on what it takes least. */

import { Refusal } from '../base/refusal.ts';
import type { Recipe } from '../training/recipe.ts';
import type { TrainingDevice } from '../training/step/step-session.ts';
import type { Lesson } from '../../preload/contract/training.ts';
import { survey, type SpawnSurvey } from './survey.ts';

export interface PaceQuestion {
  readonly recipe: Recipe;
  /** `auto`: the faster one is looked for. */
  readonly device: Lesson['device'];
  /** Of the processor; all if not given. */
  readonly threads?: number | undefined;
  /** Whether a graphics card may be tried. */
  readonly mayUseCard: boolean;
}

export interface MeasuredPace {
  readonly device: TrainingDevice;
  readonly stepMs: number;
  readonly rssBytes: number;
  /** What the processor took, where a graphics card was found to be faster. */
  readonly processorMs?: number;
}

/** A graphics card that is hardly faster is better left to the rest of the computer. */
const worthIt = 0.8;
/** Drivers compile hundreds of shaders first; one that takes longer has hung, or is a processor in disguise. */
const cardTestMs = 60_000;

export class Pace {
  readonly #spawn: SpawnSurvey;
  readonly #fastest = new Map<string, TrainingDevice>();

  constructor(spawn: SpawnSurvey) {
    this.#spawn = spawn;
  }

  /** @throws Refusal `device` if there is no such device, or what is asked for calculates wrong; `cancelled` */
  async measure(question: PaceQuestion, signal: AbortSignal): Promise<MeasuredPace> {
    const { recipe, device, mayUseCard } = question;
    if (device !== 'auto') return this.#measureOn(device, question, signal);
    const processor = await this.#measureOn('cpu', question, signal);
    const card = mayUseCard ? await this.#tryCard(question, signal) : undefined;
    const isFaster = card !== undefined && card.stepMs < processor.stepMs * worthIt;
    this.#fastest.set(keyOf(recipe), isFaster ? 'webgpu' : 'cpu');
    return isFaster ? { ...card, processorMs: processor.stepMs } : processor;
  }

  /** What `auto` means for a recipe: what was measured to be faster, else the processor. */
  deviceFor(recipe: Recipe, asked: Lesson['device']): TrainingDevice {
    return asked === 'auto' ? (this.#fastest.get(keyOf(recipe)) ?? 'cpu') : asked;
  }

  async #measureOn(
    device: TrainingDevice,
    { recipe, threads }: PaceQuestion,
    signal: AbortSignal,
  ): Promise<MeasuredPace> {
    const job = { kind: 'measure', recipe, device, threads } as const;
    const { stepMs, rssBytes } = await survey(job, 'measured', { spawn: this.#spawn, signal });
    return { device, stepMs, rssBytes };
  }

  /** @returns undefined if there is none, or it is no good: nobody asked for it by name */
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

/** What a step's time depends on. */
function keyOf({ unet, batch, patchPacked, loss }: Recipe): string {
  return JSON.stringify([unet, batch, patchPacked, loss]);
}
