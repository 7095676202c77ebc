/** The only thing Electron's window is given: a wire to the main process, which checks all of it. */

import { contextBridge, ipcRenderer, webUtils } from 'electron';

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
  /** Grants dropped files by paths that a page cannot make up; gives the folders they lie in. */
  droppedPaths: (files: File[]): Promise<unknown> =>
    ipcRenderer.invoke(
      'dropped',
      files.map((file) => webUtils.getPathForFile(file)),
    ),
});

// A window that was reloaded begins anew.
ipcRenderer.send('wire-open');
