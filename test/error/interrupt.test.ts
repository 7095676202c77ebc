/** Runs that are stopped in the middle: politely, rudely, or by a reader who has seen enough. */

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { temporaryFolder, writeSmallDngs, writeSmallModel } from '../engine/small.ts';
import { livingProcesses, run, start, until } from './program.ts';

const folder = temporaryFolder();
const model = writeSmallModel(path.join(folder, 'model'));
const count = 6;
// Large enough that the next photos are in every stage when the first is done.
const photos = writeSmallDngs(path.join(folder, 'in'), count, { width: 640, height: 480 });
const names = photos.map((_, index) => `${index + 1}.tif`).sort();

const enhance = (out: string, given = photos): string[] => [
  'enhance',
  ...given,
  '--out',
  out,
  '--model',
  model,
  '--device',
  'cpu',
  '--ratio',
  '4',
  '--json',
  '--on-conflict',
  'skip',
];

const isResult = (line: string): boolean => line.includes('"ok":true');

/**
 * Runs it at the first finished picture alone: two may be reported in one breath, and a second signal
 * would end the program at once, as it promises to whoever is in a hurry.
 */
function atFirstResult(act: () => void): (line: string) => void {
  let isOver = false;
  return (line) => {
    if (isOver || !isResult(line)) return;
    isOver = true;
    act();
  };
}

/** Every file in the folder is a picture to its last row. */
async function expectWhole(out: string): Promise<string[]> {
  const found = readdirSync(out).sort();
  for (const name of found) {
    expect(names).toContain(name);
    const { info } = await sharp(path.join(out, name)).raw().toBuffer({ resolveWithObject: true });
    expect(info.width * info.height).toBe(640 * 480);
  }
  return found;
}

// Elsewhere there are no signals to send.
describe.skipIf(process.platform === 'win32')('stopped', () => {
  it('by Ctrl-C: whole pictures only, status 130, and the next run does the rest', async () => {
    const out = path.join(folder, 'ctrl-c');
    const { child, ended } = start(enhance(out), {
      isLeader: true,
      onLine: atFirstResult(() => {
        // A terminal signals everyone in the group: the engine too.
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      }),
    });
    const { status, stderr } = await ended;
    expect(status, stderr).toBe(130);
    expect(stderr).toMatch(/^nightglass: stopped: \d+ of 6 photos are done\n$/);
    expect(livingProcesses()).toEqual([]);
    const done = await expectWhole(out);
    expect(done.length).toBeGreaterThanOrEqual(1);
    expect(done.length).toBeLessThan(count);

    const again = await run(enhance(out));
    expect(again.status).toBe(0);
    expect(again.stdout).toContain(
      `"done":${count - done.length},"skipped":${done.length},"failed":0`,
    );
    expect(await expectWhole(out)).toEqual(names);
  });

  it('by Ctrl-C before the engine is ready', async () => {
    const out = path.join(folder, 'early');
    const { child, ended } = start(enhance(out), { isLeader: true });
    // The program and its engine.
    await until(() => livingProcesses().length === 2 || child.exitCode !== null);
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    const { status, stderr } = await ended;
    expect(status, stderr).toBe(130);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(livingProcesses()).toEqual([]);
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
  });

  it('by SIGTERM to everyone, the engine too: nothing is started again', async () => {
    const out = path.join(folder, 'terminated');
    const { child, ended } = start(enhance(out), {
      isLeader: true,
      onLine: atFirstResult(() => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      }),
    });
    const { status, stdout, stderr } = await ended;
    expect(status, stderr).toBe(130);
    expect(stdout).not.toContain('"trouble"');
    expect(livingProcesses()).toEqual([]);
    expect((await expectWhole(out)).length).toBeLessThan(count);
  });

  it('by kill -9: the engine ends by itself, and the next run sweeps up', async () => {
    const out = path.join(folder, 'killed');
    const { child, ended } = start(enhance(out), {
      onLine: (line) => {
        if (isResult(line)) child.kill('SIGKILL');
      },
    });
    await ended;
    await until(() => livingProcesses().length === 0);
    const again = await run(enhance(out, photos.slice(0, 2)));
    expect(again.status).toBe(0);
    // No temporary file is among them.
    expect((await expectWhole(out)).length).toBeGreaterThanOrEqual(2);
  });

  it('by a reader who went away: no stack, no process, whole pictures', async () => {
    const out = path.join(folder, 'reader');
    mkdirSync(out);
    const { child, ended } = start(enhance(out), {
      onLine: (line) => {
        if (isResult(line)) child.stdout?.destroy();
      },
    });
    const { status, stderr } = await ended;
    expect(status, stderr).toBe(130);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(livingProcesses()).toEqual([]);
    expect((await expectWhole(out)).length).toBeLessThan(count);
  });
});
