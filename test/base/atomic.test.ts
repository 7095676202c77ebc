/** Whole or not at all, on a real file system, with real failures. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { openOutputFolder, sweepTemporaries, writeAtomically } from '../../main/base/atomic.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { temporaryFolder } from '../export/samples.ts';

const old = 'what stood there';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const threeChunks = [bytes('one, '), bytes('two, '), bytes('three')];
const whole = 'one, two, three';

async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Refusal)) throw new Error('expected a Refusal', { cause: error });
  expect(error.message).not.toContain('\n');
  return error;
}

/** A small disk of its own; tests that need one skip visibly where mounting isn't allowed. */
function mountSmallDisk(options: string): string | undefined {
  const folder = join(temporaryFolder(), 'disk');
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  if (mounted.status !== 0) return undefined;
  onTestFinished(() => {
    spawnSync('umount', [folder]);
  });
  return folder;
}

describe('writeAtomically', () => {
  it('writes every byte under the name, and nothing else', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.tif');
    expect(await writeAtomically(path, threeChunks, { overwrite: false })).toBe('written');
    expect(readFileSync(path, 'utf8')).toBe(whole);
    expect(readdirSync(folder)).toEqual(['a.tif']);
  });

  it('replaces only where it may', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.tif');
    writeFileSync(path, old);
    expect(await writeAtomically(path, threeChunks, { overwrite: false })).toBe('taken');
    expect(readFileSync(path, 'utf8')).toBe(old);
    expect(await writeAtomically(path, threeChunks, { overwrite: true })).toBe('written');
    expect(readFileSync(path, 'utf8')).toBe(whole);
    expect(readdirSync(folder)).toEqual(['a.tif']);
  });

  it('replaces a link, never what it leads to', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'original.dng'), old);
    symlinkSync(join(folder, 'original.dng'), join(folder, 'a.dng'));
    await writeAtomically(join(folder, 'a.dng'), threeChunks, { overwrite: true });
    expect(readFileSync(join(folder, 'original.dng'), 'utf8')).toBe(old);
    expect(readFileSync(join(folder, 'a.dng'), 'utf8')).toBe(whole);
  });

  it('lets one of many writers of a name win, and all others know', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.tif');
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        writeAtomically(path, [bytes(`${i}`)], { overwrite: false }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'written').length).toBe(1);
    expect(readFileSync(path, 'utf8')).toBe(String(outcomes.indexOf('written')));
    expect(readdirSync(folder)).toEqual(['a.tif']);
  });

  it.each([0, 1, 2, 3])('cancelled after %i chunks, leaves what stood there', async (count) => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.tif');
    writeFileSync(path, old);
    const controller = new AbortController();
    function* chunks(): Generator<Uint8Array> {
      for (const [index, chunk] of threeChunks.entries()) {
        if (index === count) controller.abort();
        yield chunk;
      }
      controller.abort();
    }
    const { signal } = controller;
    const refusal = await refusalOf(writeAtomically(path, chunks(), { overwrite: true, signal }));
    expect(refusal.code).toBe('cancelled');
    expect(readFileSync(path, 'utf8')).toBe(old);
    expect(readdirSync(folder)).toEqual(['a.tif']);
  });

  it('cleans up after an encoder that fails, whose error it passes on as it is', async () => {
    const folder = temporaryFolder();
    const bug = new TypeError('a bug');
    function* chunks(): Generator<Uint8Array> {
      yield bytes('one');
      throw bug;
    }
    const writing = writeAtomically(join(folder, 'a.tif'), chunks(), { overwrite: false });
    await expect(writing).rejects.toBe(bug);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('names the file and the reason where there is no folder, or a file in its place', async () => {
    const folder = temporaryFolder();
    const gone = join(folder, 'gone', 'a.tif');
    const refusal = await refusalOf(writeAtomically(gone, threeChunks, { overwrite: false }));
    expect(refusal.code).toBe('disk');
    expect(refusal.message).toBe(`could not write ${gone}: the folder is gone (ENOENT)`);
    writeFileSync(join(folder, 'file'), old);
    const under = join(folder, 'file', 'a.tif');
    const { message } = await refusalOf(writeAtomically(under, threeChunks, { overwrite: true }));
    expect(message).toContain('a file stands where the folder should be');
  });

  it('notices a folder that is taken away in the middle', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'out');
    mkdirSync(folder);
    function* chunks(): Generator<Uint8Array> {
      yield bytes('one');
      rmSync(folder, { recursive: true });
      yield bytes('two');
    }
    const path = join(folder, 'a.tif');
    const refusal = await refusalOf(writeAtomically(path, chunks(), { overwrite: false }));
    expect(refusal.message).toBe(`could not write ${path}: the folder is gone (ENOENT)`);
    expect(existsSync(folder)).toBe(false);
  });

  it('does not replace a folder', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a.tif'));
    const path = join(folder, 'a.tif');
    expect((await refusalOf(writeAtomically(path, threeChunks, { overwrite: true }))).code).toBe(
      'disk',
    );
    expect(await writeAtomically(path, threeChunks, { overwrite: false })).toBe('taken');
    expect(readdirSync(folder)).toEqual(['a.tif']);
  });

  it('says that the disk is full, and leaves it as it was', async ({ skip }) => {
    const folder = mountSmallDisk('size=1m') ?? skip('needs the right to mount a small disk');
    const path = join(folder, 'a.tif');
    writeFileSync(path, old);
    const chunks = Array.from({ length: 40 }, () => new Uint8Array(100_000));
    const refusal = await refusalOf(writeAtomically(path, chunks, { overwrite: true }));
    expect(refusal.message).toBe(`could not write ${path}: the disk is full (ENOSPC)`);
    expect(readFileSync(path, 'utf8')).toBe(old);
    expect(readdirSync(folder)).toEqual(['a.tif']);
  });

  it('says that the disk is read-only', async ({ skip }) => {
    const folder = mountSmallDisk('size=1m,ro') ?? skip('needs the right to mount a small disk');
    const path = join(folder, 'a.tif');
    const { message } = await refusalOf(writeAtomically(path, threeChunks, { overwrite: false }));
    expect(message).toBe(`could not write ${path}: the disk is read-only (EROFS)`);
    expect((await refusalOf(openOutputFolder(folder))).message).toContain('the disk is read-only');
  });
});

describe('temporary files', () => {
  /** Runs a program that gets stuck in the middle of a write and ends as told. */
  function dieWriting(folder: string, ending: string): void {
    const address = pathToFileURL(join(import.meta.dirname, '../../main/base/atomic.ts')).href;
    const program = `
      import { writeAtomically } from ${JSON.stringify(address)};
      function* chunks() { yield new Uint8Array(100); ${ending}; yield new Uint8Array(100); }
      await writeAtomically(${JSON.stringify(join(folder, 'a.tif'))}, chunks(), { overwrite: false });
    `;
    spawnSync(process.execPath, ['--input-type=module', '--eval', program]);
  }

  it('of a killed run are swept away, those of a living one and all else are not', async () => {
    const folder = temporaryFolder();
    dieWriting(folder, `process.kill(process.pid, 'SIGKILL')`);
    const [dead = ''] = readdirSync(folder);
    expect(dead).toMatch(/^\.nightglass-.*\.tmp$/);
    const living = dead.replace(/-\d+-/, `-${process.ppid}-`);
    const elsewhere = dead.replace(/glass-[0-9a-f]{8}/, 'glass-00000000');
    for (const name of [living, elsewhere, '.nightglass-note.tmp', 'a.tif']) {
      writeFileSync(join(folder, name), '');
    }
    expect(await sweepTemporaries(folder)).toBe(1);
    expect(readdirSync(folder).sort()).toEqual(
      [living, elsewhere, '.nightglass-note.tmp', 'a.tif'].sort(),
    );
  });

  it.skipIf(process.platform !== 'linux')(
    'of a process that has ended are swept, though its parent has not noticed',
    async () => {
      const folder = temporaryFolder();
      // The shell starts a child and becomes a program that never asks what became of it.
      const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      onTestFinished(() => {
        parent.kill();
      });
      const told = await once(parent.stdout, 'data');
      const pid = Number(String(told[0]));
      const state = (): string =>
        /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '';
      await vi.waitFor(() => {
        expect(state()).toBe('Z');
      }, 10_000);
      dieWriting(folder, `process.kill(process.pid, 'SIGKILL')`);
      const [left = ''] = readdirSync(folder);
      renameSync(join(folder, left), join(folder, left.replace(/-\d+-/, `-${pid}-`)));
      expect(await sweepTemporaries(folder)).toBe(1);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('of this very run are not swept while they are written', async () => {
    const folder = temporaryFolder();
    let swept = -1;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes('one');
      swept = await sweepTemporaries(folder);
    }
    await writeAtomically(join(folder, 'a.tif'), chunks(), { overwrite: false });
    expect(swept).toBe(0);
    expect(readdirSync(folder)).toEqual(['a.tif']);
  });

  it('are gone when the program is told to exit in the middle', () => {
    const folder = temporaryFolder();
    dieWriting(folder, 'process.exit(130)');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('openOutputFolder', () => {
  it('makes the folder, sweeps it, and leaves it empty', async () => {
    const folder = join(temporaryFolder(), 'deep', 'out');
    await openOutputFolder(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses a file, and what lies under one', async () => {
    const parent = temporaryFolder();
    writeFileSync(join(parent, 'file'), old);
    for (const folder of [join(parent, 'file'), join(parent, 'file', 'out')]) {
      const refusal = await refusalOf(openOutputFolder(folder));
      expect(refusal.code).toBe('disk');
      expect(refusal.message).toContain(folder);
    }
    expect(readFileSync(join(parent, 'file'), 'utf8')).toBe(old);
  });

  it('does not mind being renamed to and fro', async () => {
    const parent = temporaryFolder();
    await openOutputFolder(join(parent, 'a'));
    renameSync(join(parent, 'a'), join(parent, 'b'));
    await openOutputFolder(join(parent, 'a'));
    expect(readdirSync(parent).sort()).toEqual(['a', 'b']);
  });
});
