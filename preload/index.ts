/**
 * The only thing that Electron's window gets: a wire to the main process, which checks everything.
 */

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
  // The main process outlives its windows, so this never happens.
  onClose: () => undefined,
});

// Dropped files are read here, in a world that the page's scripts cannot enter. The page gets no
// function for this, because with one it could claim that any file was dropped.
window.addEventListener(
  'drop',
  (event) => {
    const paths = droppedPaths(event, (file) => webUtils.getPathForFile(file));
    if (paths.length > 0) ipcRenderer.send('dropped', paths);
  },
  { capture: true },
);

// A reloaded window starts anew.
ipcRenderer.send('wire-open');
