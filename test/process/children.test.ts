/** Real children that say odd things to the app: it lives, and what was asked is answered. */

import { expect, it, onTestFinished } from 'vitest';
import { spawnNodeView, View } from '../../main/view/process.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';

const [photo = ''] = writeSmallDngs(temporaryFolder(), 1);

/** From here to the end of the test, children of this process say odd things. */
function oddChildren(): void {
  const before = process.env['NODE_OPTIONS'];
  const program = new URL('./say-odd-things.ts', import.meta.url).href;
  process.env['NODE_OPTIONS'] = `${before ?? ''} --import ${program}`;
  onTestFinished(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  });
}

it('a viewing process that says odd things still shows photos', async () => {
  oddChildren();
  const view = new View(spawnNodeView);
  onTestFinished(() => {
    view.close();
  });
  const opened = await view.open(photo);
  expect(opened.width).toBeGreaterThan(0);
});
