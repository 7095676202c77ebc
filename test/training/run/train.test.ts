/** Training runs: checkpoints, and going on bit for bit. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parameterCount } from '../../../main/network/unet.ts';
import {
  encodeCheckpoint,
  readCheckpoint,
  type Checkpoint,
} from '../../../main/training/run/checkpoint.ts';
import type { TrainingState } from '../../../main/training/step/state.ts';
import { makeBatch, PatchMaker, poolOf } from '../../../main/training/photos/patches.ts';
import { Random } from '../../../main/darkness/random.ts';
import { defaultRecipe, learningRateAt, type Recipe } from '../../../main/training/recipe.ts';
import { freshTrend } from '../../../main/training/run/loss-trend.ts';
import { RunControl } from '../../../main/training/run/control.ts';
import {
  freshState,
  train,
  type BatchSource,
  type Reached,
  type Setback,
} from '../../../main/training/run/run.ts';
import { openStep } from '../../../main/training/step/step-session.ts';
import type { StepSession } from '../../../main/training/step/step-tensors.ts';
import { Refusal } from '../../../main/base/refusal.ts';
import { photoOf, waves } from '../photos/made-photos.ts';
import { refusalOf } from '../refusal-of.ts';

const tiny: Recipe = {
  ...defaultRecipe,
  unet: { ...defaultRecipe.unet, baseChannels: 4, levels: 3 },
  batch: 2,
  patchPacked: 32,
  steps: 6,
  warmupSteps: 2,
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-train-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function randomState(recipe: Recipe): TrainingState {
  const random = new Random(5);
  const size = parameterCount(recipe.unet);
  const array = (): Float32Array => Float32Array.from({ length: size }, () => random.gaussian());
  const weights = array();
  // What a careless text format would lose.
  weights.set([-0, 1e-45, 3.4028234663852886e38, Number.NaN]);
  return { step: 1234, weights, momentum: array(), variance: array() };
}

const bitsOf = (array: Float32Array): Buffer =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength);

function expectSameBits(a: TrainingState, b: TrainingState): void {
  expect(a.step).toBe(b.step);
  for (const part of ['weights', 'momentum', 'variance'] as const) {
    expect(bitsOf(a[part]).equals(bitsOf(b[part])), part).toBe(true);
  }
}

describe('a checkpoint', () => {
  const checkpoint: Checkpoint = { recipe: tiny, dataset: '3 photos, ü', state: randomState(tiny) };
  const bytes = Buffer.concat(encodeCheckpoint(checkpoint));

  const read = async (content: Uint8Array): Promise<Checkpoint> => {
    const file = path.join(folder, 'some.ngck');
    await writeFile(file, content);
    return readCheckpoint(file);
  };

  it('comes back bit for bit', async () => {
    const back = await read(bytes);
    expect(back.recipe).toEqual(tiny);
    expect(back.dataset).toBe('3 photos, ü');
    expectSameBits(back.state, checkpoint.state);
  });

  it('is refused wherever it was cut, and with anything behind it', async () => {
    const cuts = [
      0,
      3,
      4,
      7,
      8,
      9,
      60,
      200,
      500,
      bytes.length / 2,
      bytes.length - 4,
      bytes.length - 1,
    ];
    for (const cut of cuts.map(Math.floor)) {
      const refusal = await refusalOf(() => read(bytes.subarray(0, cut)));
      expect(refusal.code, `cut at ${cut}`).toBe('dataset');
      expect(refusal.message).toContain('some.ngck');
    }
    await expect(read(Buffer.concat([bytes, bytes.subarray(0, 4)]))).rejects.toMatchObject({
      code: 'dataset',
    });
  });

  it('is refused with a single bit that is another, unless it is of before sums were kept', async () => {
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(flipped.length - 5) ^ 1, flipped.length - 5);
    expect((await refusalOf(() => read(flipped))).message).toMatch(/some\.ngck but it is damaged/);
    // As older files are: without the sum, so that nobody can tell.
    flipped.write('"none_"', flipped.indexOf('"crc32"'));
    expect((await read(flipped)).state.step).toBe(1234);
  });

  it('is refused with a damaged header, or weights that are another network’s', async () => {
    const damaged = (change: (copy: Buffer) => void): Buffer => {
      const copy = Buffer.from(bytes);
      change(copy);
      return copy;
    };
    const cases = [
      damaged((copy) => copy.write('PK')),
      damaged((copy) => copy.writeUInt32LE(0xffff_ffff, 4)),
      damaged((copy) => copy.writeUInt32LE(10, 4)),
      damaged((copy) => copy.write('?', 8)),
      damaged((copy) => copy.write('"version":7', copy.indexOf('"version":1'))),
      damaged((copy) => copy.write('"baseChannels":8', copy.indexOf('"baseChannels":4'))),
      damaged((copy) => copy.write('"levels":4', copy.indexOf('"levels":3'))),
      damaged((copy) => copy.write('"step":-234', copy.indexOf('"step":1234'))),
    ];
    for (const [index, content] of cases.entries()) {
      await expect(read(content), `case ${index}`).rejects.toMatchObject({ code: 'dataset' });
    }
    const missing = await refusalOf(() => readCheckpoint(path.join(folder, 'nowhere.ngck')));
    expect(missing.code).toBe('dataset');
    expect(missing.message).toContain('nowhere.ngck');
  });
});

describe('a run', () => {
  const pool = poolOf([
    photoOf('waves', [96, 96], waves),
    photoOf('dots', [80, 90], (x, y) => ((x * 7 + y * 13) % 11) / 11),
  ]);

  function batchesFrom(first: number): BatchSource {
    const maker = new PatchMaker(tiny.patchPacked);
    let step = first;
    return {
      next: () =>
        Promise.resolve(
          makeBatch({ pool, seed: tiny.seed, step: step++, batch: tiny.batch, maker }),
        ),
      rewind: (to) => {
        step = to;
      },
    };
  }

  const fresh = (recipe: Recipe): Reached => ({ state: freshState(recipe), trend: freshTrend });
  const options = {
    device: 'cpu' as const,
    threads: 1,
    control: new RunControl(),
    checkpointEvery: 100,
    validateEvery: 100,
    onCheckpoint: () => Promise.resolve(),
    readBack: () => Promise.resolve(fresh(tiny)),
  };

  it('stopped, saved, read and taken up again ends bit for bit as one that never stopped', async () => {
    const whole = await train(tiny, fresh(tiny), batchesFrom(1), options);
    expect(whole.state.step).toBe(6);

    const file = path.join(folder, 'stopped.ngck');
    const control = new RunControl();
    const saved: number[] = [];
    await train(tiny, fresh(tiny), batchesFrom(1), {
      ...options,
      control,
      onProgress: ({ step }) => {
        if (step === 3) control.stop('nothing');
      },
      onCheckpoint: async (reached) => {
        saved.push(reached.state.step);
        await writeFile(
          file,
          Buffer.concat(encodeCheckpoint({ recipe: tiny, dataset: '', ...reached })),
        );
      },
    });
    expect(saved).toEqual([3]);
    const { recipe, ...reached } = await readCheckpoint(file);
    const resumed = await train(recipe, reached, batchesFrom(4), options);
    expectSameBits(resumed.state, whole.state);
    expect(resumed.trend).toEqual(whole.trend);
  });

  it('learns: the loss of patches it has not seen falls', async () => {
    const recipe: Recipe = { ...tiny, steps: 60, learningRate: 4e-3, warmupSteps: 5 };
    const losses: number[] = [];
    await train(recipe, fresh(recipe), batchesFrom(1), {
      ...options,
      // Every batch is new, so each is a validation.
      onProgress: ({ batchLoss }) => losses.push(batchLoss),
    });
    const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    expect(mean(losses.slice(-10))).toBeLessThan(0.5 * mean(losses.slice(0, 10)));
  });

  it('saves at the asked-for steps and at the end', async () => {
    const saved: number[] = [];
    await train({ ...tiny, steps: 5 }, fresh(tiny), batchesFrom(1), {
      ...options,
      checkpointEvery: 2,
      onCheckpoint: ({ state }) => {
        saved.push(state.step);
        return Promise.resolve();
      },
    });
    expect(saved).toEqual([2, 4, 5]);
  });

  it('goes back to its checkpoint with smaller steps when a loss is no number, the same when taken up', async () => {
    /** The batch of step 5 is damaged, once. */
    const damagedOnce = (): BatchSource => {
      const whole = batchesFrom(1);
      let [step, isDamaged] = [1, true];
      return {
        next: async () => {
          const batch = await whole.next();
          if (step++ !== 5 || !isDamaged) return batch;
          isDamaged = false;
          return { ...batch, target: batch.target.map(() => Number.NaN) };
        },
        rewind: (to) => {
          step = to;
          whole.rewind(to);
        },
      };
    };
    const checkpoints: Reached[] = [];
    const setbacks: Setback[] = [];
    const rates: number[] = [];
    const whole = await train(tiny, fresh(tiny), damagedOnce(), {
      ...options,
      checkpointEvery: 2,
      onCheckpoint: (reached) => {
        checkpoints.push(reached);
        return Promise.resolve();
      },
      readBack: () => Promise.resolve(checkpoints.at(-1) ?? fresh(tiny)),
      onSetback: (setback) => setbacks.push(setback),
      onProgress: ({ step, learningRate }) => {
        rates[step] = learningRate;
      },
    });
    expect(setbacks).toMatchObject([{ step: 5, backToStep: 4, rateScale: 0.3 }]);
    expect(checkpoints.map(({ state }) => state.step)).toEqual([2, 4, 4, 6]);
    expect(rates[5]).toBeCloseTo(0.3 * learningRateAt(tiny, 5), 12);
    const afterSetback = checkpoints[2];
    if (afterSetback === undefined) throw new Error('expected a checkpoint after the setback');
    const resumed = await train(tiny, afterSetback, batchesFrom(5), options);
    expectSameBits(resumed.state, whole.state);
    expect(resumed.trend).toEqual(whole.trend);
  });

  it('goes back likewise when only a validation shows that the last step was one too far', async () => {
    const kept: Reached[] = [];
    const setbacks: Setback[] = [];
    let validations = 0;
    const done = await train(tiny, fresh(tiny), batchesFrom(1), {
      ...options,
      checkpointEvery: 4,
      onCheckpoint: (reached) => {
        kept.push(reached);
        return Promise.resolve();
      },
      readBack: () => Promise.resolve(kept.at(-1) ?? fresh(tiny)),
      onValidate: () => Promise.resolve(++validations === 1 ? 'astray' : undefined),
      onSetback: (setback) => setbacks.push(setback),
    });
    expect(setbacks).toEqual([{ step: 6, backToStep: 4, rateScale: 0.3, account: 'astray' }]);
    expect(kept.map(({ state }) => state.step)).toEqual([4, 4, 6]);
    expect([done.state.step, validations]).toEqual([6, 2]);
  });

  describe('on a graphics card', () => {
    /** A card that calculates as the processor does, until it fails at what is said. */
    const cardFailingAt =
      (fails: { readonly opening?: true; readonly step?: number; readonly reading?: true }) =>
      async (...[recipe, from, { device }]: Parameters<typeof openStep>): Promise<StepSession> => {
        const session = await openStep(recipe, from, { threads: 1 });
        if (device !== 'webgpu') return session;
        const lost = () => new Refusal('device', 'the graphics card was lost');
        if (fails.opening) throw lost();
        let step = from.step;
        return {
          ...session,
          step: (...given) =>
            ++step === fails.step ? Promise.reject(lost()) : session.step(...given),
          state: () => (fails.reading ? Promise.reject(lost()) : session.state()),
        };
      };
    const cardOptions = () => {
      const checkpoints: Reached[] = [];
      const told: string[] = [];
      return {
        ...options,
        device: 'webgpu' as const,
        checkpointEvery: 2,
        onCheckpoint: (reached: Reached) => {
          checkpoints.push(reached);
          return Promise.resolve();
        },
        readBack: () => Promise.resolve(checkpoints.at(-1) ?? fresh(tiny)),
        onWithoutCard: (step: number, account: string) => told.push(`${String(step)}: ${account}`),
        told,
      };
    };

    it.each([
      ['is lost at a step', { step: 6 }, 5],
      ['is lost before the first checkpoint', { step: 1 }, 0],
      ['does not give back its weights', { reading: true }, 2],
    ] as const)('which %s the processor goes on from the checkpoint', async (_, fails, at) => {
      const whole = await train(tiny, fresh(tiny), batchesFrom(1), options);
      const given = cardOptions();
      const open = cardFailingAt(fails);
      const done = await train(tiny, fresh(tiny), batchesFrom(1), { ...given, open });
      expect(given.told).toEqual([`${String(at)}: the graphics card was lost`]);
      expectSameBits(done.state, whole.state);
      expect(done.trend).toEqual(whole.trend);
    });

    it('that is not there a run does not begin, but goes on', async () => {
      const given = { ...cardOptions(), open: cardFailingAt({ opening: true }) };
      await expect(train(tiny, fresh(tiny), batchesFrom(1), given)).rejects.toMatchObject({
        code: 'device',
      });
      expect(given.told).toEqual([]);
      const whole = await train(tiny, fresh(tiny), batchesFrom(1), options);
      const control = new RunControl();
      const half = await train(tiny, fresh(tiny), batchesFrom(1), {
        ...options,
        control,
        onProgress: ({ step }) => {
          if (step === 3) control.stop('nothing');
        },
      });
      const resumed = await train(tiny, half, batchesFrom(4), given);
      expect(given.told).toHaveLength(1);
      expectSameBits(resumed.state, whole.state);
    });
  });

  it('ends with a refusal when the loss is no number', async () => {
    const { state, trend } = fresh(tiny);
    const spoilt = { state: { ...state, weights: state.weights.map(() => Number.NaN) }, trend };
    const setbacks: number[] = [];
    const training = train(tiny, spoilt, batchesFrom(1), {
      ...options,
      readBack: () => Promise.resolve(spoilt),
      onSetback: ({ rateScale }) => setbacks.push(rateScale),
    });
    await expect(training).rejects.toMatchObject({ code: 'dataset' });
    expect(setbacks).toHaveLength(4);
    expect(setbacks[3]).toBeCloseTo(0.3 ** 4);
  });
});
