/** What happens to runs: killed processes, full disks, folders that are away. Nothing is lost. */

import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModel } from '../../../main/network/manifest.ts';
import { readCheckpoint } from '../../../main/training/run/checkpoint.ts';
import { RunControl } from '../../../main/training/run/control.ts';
import { Random } from '../../../main/darkness/random.ts';
import type { RunEvent } from '../../../main/training/run/events.ts';
import { createRun, readRun, runFiles, writeRun } from '../../../main/training/run/folder.ts';
import { trainRun } from '../../../main/training/run/train-run.ts';
import type { Port } from '../../../main/process/port.ts';
import { spawnNodeTraining } from '../../../main/training/run/process.ts';
import { canSignal, childPid } from '../../engine/processes.ts';
import { mountSmallDisk } from '../../error/program.ts';
import { writePhotos } from '../photos/made-photos.ts';
import { smallPlan, training } from './small-run.ts';

/** So many that what is done to a run comes in time, on a busy machine too. */
const steps = 100;
/** A hang; on a busy machine with two cores none of these takes a fifth of it. */
const hangMs = 200_000;
let folder = '';
let photos = '';
/** A run that nothing happened to. */
let calm = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-run-trouble-'));
  photos = path.join(folder, 'photos');
  await writePhotos(photos, 4, 96);
  calm = path.join(folder, 'calm');
  await createRun(calm, smallPlan(photos, steps));
  expect(await training(calm, () => undefined).ended).toBeUndefined();
}, hangMs);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Takes all that is left of a disk, and fails for want of more. */
function fillDisk(ballast: string): void {
  expect(() => {
    writeFileSync(ballast, Buffer.alloc(16 << 20));
  }).toThrow('ENOSPC');
}

/** Everything that was learned is the same, bit for bit. */
async function expectLikeCalm(run: string): Promise<void> {
  expect((await readRun(run)).description).toMatchObject({ state: { kind: 'done' }, step: steps });
  for (const name of ['checkpoint.ngck', 'best.ngck', 'mine.onnx']) {
    const [of, asOf] = await Promise.all([run, calm].map((one) => readFile(path.join(one, name))));
    expect(of!.equals(asOf!), name).toBe(true);
  }
}

it(
  'killed again and again, it ends bit for bit as one that was left alone',
  async () => {
    const run = path.join(folder, 'killed');
    await createRun(run, smallPlan(photos, steps));
    const random = new Random(Number(process.env['KILL_SEED'] ?? 7));
    let child: Port | undefined;
    let [kills, safeStep] = [0, 0];
    let checks = Promise.resolve();
    let isArmed = false;
    const events: RunEvent[] = [];
    const killed = training(
      run,
      (event) => {
        events.push(event);
        if (event.event === 'checkpoint') {
          // From here on a kill is another crash after progress, not one of a row.
          isArmed = true;
          safeStep = event.step;
        }
        if (!isArmed || kills >= 4) return;
        isArmed = false;
        kills += 1;
        const victim = child;
        const least = safeStep;
        setTimeout(() => {
          victim?.kill();
          checks = checks.then(async () => {
            const { state } = await readCheckpoint(runFiles(run).checkpoint);
            expect(state.step).toBeGreaterThanOrEqual(least);
          });
        }, random.integer(120));
      },
      {
        spawn: (listener) => {
          child = spawnNodeTraining(listener);
          return child;
        },
      },
    );
    expect(await killed.ended).toBeUndefined();
    await checks;
    expect(kills).toBeGreaterThan(2);
    await expectLikeCalm(run);
  },
  hangMs,
);

it.skipIf(!canSignal)(
  'a process that hangs is ended, and another goes on',
  async () => {
    const run = path.join(folder, 'hangs');
    await createRun(run, smallPlan(photos, steps));
    const troubles: string[] = [];
    let isStopped = false;
    const hanging = training(
      run,
      (event) => {
        if (event.event !== 'checkpoint' || isStopped) return;
        isStopped = true;
        process.kill(childPid('training/run/child.ts'), 'SIGSTOP');
      },
      {
        // Long enough for a process to start in, on a busy machine.
        stallMs: 8000,
        onTrouble: (account) => troubles.push(account),
      },
    );
    expect(await hanging.ended).toBeUndefined();
    expect(troubles[0]).toContain('after 8 s of silence');
    await expectLikeCalm(run);
  },
  hangMs,
);

it(
  'a process that dies before any checkpoint is given up, and told',
  async () => {
    const run = path.join(folder, 'dies');
    await createRun(run, smallPlan(photos, steps, { checkpointEvery: 1000 }));
    const troubles: string[] = [];
    let child: Port | undefined;
    const dying = training(run, (event) => event.event === 'start' && child?.kill(), {
      onTrouble: (account) => troubles.push(account),
      spawn: (listener) => {
        child = spawnNodeTraining(listener);
        return child;
      },
    });
    expect(await dying.ended).toMatchObject({ code: 'device' });
    expect(troubles).toHaveLength(2);
    const { description, isAlive } = await readRun(run);
    expect(isAlive).toBe(false);
    expect(description.state.kind).toBe('failed');
  },
  hangMs,
);

it(
  'a graphics card that takes the process down twice is left alone',
  async () => {
    const run = path.join(folder, 'card');
    await createRun(run, smallPlan(photos, steps, { device: 'webgpu' }));
    const devices: (string | undefined)[] = [];
    let child: Port | undefined;
    const surviving = training(
      run,
      (event) => {
        if (event.event !== 'start') return;
        devices.push(event.device);
        if (event.device === 'webgpu') child?.kill();
      },
      {
        spawn: (listener) => {
          child = spawnNodeTraining(listener);
          return child;
        },
      },
    );
    expect(await surviving.ended).toBeUndefined();
    expect(devices).toEqual(['webgpu', 'webgpu', 'cpu']);
    await expectLikeCalm(run);
  },
  hangMs,
);

it(
  'a full disk makes it wait, and costs nothing',
  async ({ skip }) => {
    const disk = mountSmallDisk('size=12m') ?? skip('needs the right to mount a small disk');
    const run = path.join(disk, 'run');
    const ballast = path.join(disk, 'ballast');
    await createRun(run, smallPlan(photos, steps));
    const told: RunEvent[] = [];
    let isFilled = false;
    const waiting = training(run, (event, self) => {
      told.push(event);
      if (event.event === 'checkpoint' && !isFilled) {
        isFilled = true;
        fillDisk(ballast);
      }
      if (event.event === 'paused') {
        void rm(ballast).then(() => {
          self.resume();
        });
      }
    });
    expect(await waiting.ended).toBeUndefined();
    expect(told.find(({ event }) => event === 'paused')).toMatchObject({ reason: 'disk' });
    expect(told.find(({ event }) => event === 'resumed')).toBeDefined();
    await expectLikeCalm(run);
  },
  hangMs,
);

it.for([
  // Neither what was learned nor the model found room; the model alone did not.
  ['progress', 0],
  ['checkpoint', 4],
] as const)(
  'stopped while the disk is full after its last step (%s), it says what is safe, and goes on',
  async ([filledAt, safeStep], { skip }) => {
    const disk = mountSmallDisk('size=12m') ?? skip('needs the right to mount a small disk');
    const run = path.join(disk, 'run');
    const ballast = path.join(disk, 'ballast');
    const plan = smallPlan(photos, 4, { checkpointEvery: 100 });
    await createRun(run, plan);
    const control = new RunControl();
    const stopped = await trainRun(run, {
      control,
      onEvent: ({ event, step }) => {
        if (event === filledAt && step === 4) fillDisk(ballast);
        if (event === 'paused') control.stop('nothing');
      },
    });
    expect(stopped).toEqual({ kind: 'stopped', step: safeStep });
    expect(existsSync(runFiles(run).checkpoint)).toBe(safeStep > 0);
    expect((await readRun(run)).description).toMatchObject({ step: safeStep, models: [] });

    await rm(ballast);
    const { description } = await readRun(run);
    await writeRun(run, { ...description, state: { kind: 'stopped' } });
    const begun = { control: new RunControl(), onEvent: () => undefined };
    expect(await trainRun(run, begun)).toMatchObject({ kind: 'done', step: 4 });
    expect((await readCheckpoint(runFiles(run).checkpoint)).state.step).toBe(4);
    expect((await readModel(path.join(run, 'mine.json'))).manifest.training).toMatchObject({
      step: 4,
    });
  },
);

it(
  'photos that are away make it wait, and go on where they are back',
  async () => {
    const many = path.join(folder, 'many');
    await writePhotos(many, 12, 96);
    const plan = smallPlan(many, 300, { validateEvery: 300, checkpointEvery: 100 });
    // Room for a few of them.
    const dataset = { ...plan.dataset, photoBytesMax: 4 * 96 * 96 * 6 };
    const run = path.join(folder, 'away');
    await createRun(run, { ...plan, dataset });
    const told: RunEvent[] = [];
    let isAway = false;
    const waiting = training(run, (event) => {
      told.push(event);
      if (event.event === 'start') {
        isAway = true;
        renameSync(many, `${many}-away`);
      }
      if (event.event === 'paused' && isAway) {
        isAway = false;
        renameSync(`${many}-away`, many);
      }
    });
    expect(await waiting.ended).toBeUndefined();
    expect(told.find(({ event }) => event === 'paused')).toMatchObject({ reason: 'dataset' });
    expect(told.some(({ event }) => event === 'skipped')).toBe(false);
    expect((await readRun(run)).description.state).toEqual({ kind: 'done' });
  },
  hangMs,
);
