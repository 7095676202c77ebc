/** The only thing Electron's window is given: a wire to the main process, which checks all of it. */

import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { droppedPaths } from './dropped.ts';

contextBridge.exposeInMainWorld('nightglass', {
  post: (message: unknown) => {
    ipcRenderer.send('wire', message);
  },
  listen: (receive: (message: unknown) => void) => {
    ipcRenderer.on('wire', (_event, message: unknown) => {
      receive(message);
    });
  },
  // The main process outlives its windows.
  onClose: () => undefined,
});

// Dropped files are taken here, in a world that the page's scripts cannot enter. The page offers nothing
// to call: whatever it handed over would be its own word for what was dropped.
window.addEventListener(
  'drop',
  (event) => {
    const paths = droppedPaths(event, (file) => webUtils.getPathForFile(file));
    if (paths.length > 0) ipcRenderer.send('dropped', paths);
  },
  { capture: true },
);

// A window that was reloaded begins anew.
ipcRenderer.send('wire-open');
