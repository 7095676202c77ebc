/** Which changes of the sliders are undone together. */

import { expect, test } from 'vitest';
import { defaultEdits, type Edits } from '../../preload/contract/edits.ts';
import { Runs } from '../../renderer/develop/runs.ts';

test('presses of a key are one run; a hand, a pause and another slider begin one', () => {
  let nowMs = 0;
  let edits: Edits = defaultEdits;
  const runs = new Runs(() => nowMs);
  const rest = (part: Partial<Edits>, by: 'hand' | 'key', afterMs = 100): string | undefined => {
    nowMs += afterMs;
    const before = edits;
    edits = { ...edits, ...part };
    return runs.next(before, edits, by);
  };
  const first = rest({ angle: 0.1 }, 'key');
  expect(rest({ angle: 0.2, crop: { x: 0.1, y: 0.1, width: 0.8, height: 0.8 } }, 'key')).toBe(
    first,
  );
  expect(rest({ angle: 0.2 }, 'key')).toBeUndefined();
  expect(rest({ angle: 0.3 }, 'key', 2000)).not.toBe(first);
  const exposure = rest({ exposure: 1 }, 'key');
  expect(rest({ exposure: 2 }, 'hand')).not.toBe(exposure);
  const last = rest({ exposure: 3 }, 'key');
  runs.end();
  expect(rest({ exposure: 4 }, 'key')).not.toBe(last);
});
