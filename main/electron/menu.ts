/** The desktop app's menu, with the usual keys. */

import { Menu, type BrowserWindow, type MenuItemConstructorOptions } from 'electron';
import type { Events } from '../../preload/contract/contract.ts';
import type { EventHub } from '../base/events.ts';

type Command = Events['app.command']['command'];

/** @param showLog shows the log file in the system's file manager */
export function desktopMenu(window: BrowserWindow, events: EventHub, showLog: () => void): void {
  const item = (
    label: string,
    command: Command,
    accelerator?: string,
  ): MenuItemConstructorOptions => ({
    label,
    ...(accelerator === undefined ? {} : { accelerator }),
    click: () => {
      events.emit('app.command', { command });
    },
  });
  const line: MenuItemConstructorOptions = { type: 'separator' };
  const isMac = process.platform === 'darwin';
  const settings = item('Settings…', 'settings', 'CmdOrCtrl+,');
  const about = item('About Nightglass', 'about');
  const mac: MenuItemConstructorOptions = {
    label: 'Nightglass',
    submenu: [
      about,
      line,
      settings,
      line,
      { role: 'hide' },
      { role: 'hideOthers' },
      line,
      { role: 'quit' },
    ],
  };
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [mac] : []),
    {
      label: 'File',
      submenu: [
        item('Open Folder…', 'open-folder', 'CmdOrCtrl+O'),
        line,
        item('Export…', 'export', 'CmdOrCtrl+E'),
        item('Enhance All', 'enhance-all', 'CmdOrCtrl+Shift+E'),
        ...(isMac ? [] : [line, settings, line, { role: 'quit' } as const]),
      ],
    },
    {
      label: 'Edit',
      submenu: [
        item('Undo', 'undo', 'CmdOrCtrl+Z'),
        item('Redo', 'redo', isMac ? 'Cmd+Shift+Z' : 'Ctrl+Y'),
        line,
        item('Copy Edits', 'copy-edits', 'CmdOrCtrl+Shift+C'),
        item('Paste Edits', 'paste-edits', 'CmdOrCtrl+Shift+V'),
        line,
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
      ],
    },
    {
      label: 'View',
      submenu: [
        item('Library', 'show-library', 'CmdOrCtrl+1'),
        item('Develop', 'show-develop', 'CmdOrCtrl+2'),
        item('Train', 'show-training', 'CmdOrCtrl+3'),
        line,
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    {
      label: 'Help',
      submenu: [
        item('Keys', 'help'),
        { label: 'Show Log', click: showLog },
        ...(isMac ? [] : [line, about]),
      ],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  window.setMenuBarVisibility(true);
}
