/** Where a run's weights come from, as it is told. */

import { expect, it } from 'vitest';
import {
  lostBits,
  sharedCommand,
  startWords,
  type Sitting,
} from '../../../main/training/run/provenance.ts';

const first: Sitting = {
  at: '2026-01-01T00:00:00Z',
  step: 0,
  program: '1.0.0',
  runtime: '1.20.0',
  device: 'cpu',
  threads: 2,
};

it('says that a run on other threads, another device or runtime loses its bits', () => {
  const later = { ...first, step: 250 };
  expect(lostBits(undefined, later)).toBeUndefined();
  expect(lostBits(first, later)).toBeUndefined();
  expect(lostBits(first, { ...first, threads: 1 })).toBeUndefined();
  expect(lostBits(first, { ...later, threads: 1 })).toBe(
    'the run goes on with 1 thread instead of 2: it no longer ends bit for bit as it would have',
  );
  expect(lostBits(first, { ...later, device: 'webgpu', runtime: '1.21.0' })).toContain(
    'on webgpu instead of cpu and with ONNX Runtime 1.21.0 instead of 1.20.0',
  );
});

it('shares a command without the places of this machine', () => {
  const command = ['train', '--photos', '/home/me/my photos', '--out', '/tmp/run', '--base', '16'];
  expect(sharedCommand(command)).toBe("nightglass train --photos 'my photos' --base 16");
  expect(sharedCommand(['train', '--from', 'C:\\models\\mine.json', '--json'])).toBe(
    'nightglass train --from mine.json',
  );
});

it('names a start without its folder, with licence and checksum where they are known', () => {
  expect(startWords({ kind: 'random' })).toBe('random weights');
  expect(startWords({ kind: 'model', which: '/models/mine.json' })).toBe('mine.json');
  const known = { kind: 'model', which: 'fast', licence: 'MIT', sha256: 'abc' } as const;
  expect(startWords(known)).toBe('fast (MIT, SHA-256 abc)');
});
