/** The app's host as a program of its own, so that a test can kill all of it at once. */

import path from 'node:path';
import { App } from '../../main/app/app.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { jsonSettingsFile } from '../../main/app/settings.ts';
import { defaultExportChoice } from '../../preload/contract/settings.ts';

/** Holds `photos`, `models` with the small one, and the built `page`. */
const [, , root = ''] = process.argv;
const folder = path.join(root, 'data');
const photos = path.join(root, 'photos');

const app = await App.start({
  kind: 'headless',
  folder,
  settingsFile: jsonSettingsFile(folder),
  roots: [photos],
  startFolder: photos,
  modelsFolder: path.join(root, 'models'),
  onBug: (error) => {
    console.error(error);
  },
  quit: () => undefined,
});
await app.settings.write({
  model: 'small',
  device: 'cpu',
  threads: 1,
  // A photo that was written just before the end, and not yet marked so, is not written twice.
  exportPresets: [{ name: 'TIFF', choice: { ...defaultExportChoice, onConflict: 'skip' } }],
});
const host = await HeadlessHost.listen(app, { port: 0, pageFolder: path.join(root, 'page') });
process.stdout.write(`${host.address}\n`);
