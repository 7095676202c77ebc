/** The desktop app: one untrusted window around the same app that serves a browser. */

import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  protocol,
  session,
  shell,
  type WebContents,
} from 'electron';
import Store from 'electron-store';
import { z } from 'zod';
import { App } from './app/app.ts';
import { Caller } from './app/caller.ts';
import { desktopMenu } from './electron/menu.ts';
import { askBeforeClosing } from './electron/parting.ts';
import { Log } from './base/log.ts';
import { appRoot } from './base/root.ts';
import { canUpdate, followUpdates } from './electron/update.ts';
import { reloadAfterCrashes } from './electron/crash.ts';
import {
  spawnUtilityEngine,
  spawnUtilitySurvey,
  spawnUtilityTraining,
  spawnUtilityView,
} from './electron/process.ts';
import { placeOf, savePlace } from './electron/window.ts';
import { handlersOf } from './app/handlers.ts';
import { isRawName } from './raw/endings.ts';
import { tileHeaders } from '../preload/contract/pixel-url.ts';

const pageFolder = path.join(appRoot, 'out/renderer');
const pageOrigin = 'app://nightglass';

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' photo: blob: data:; connect-src 'self' photo:; font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const types = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.woff2', 'font/woff2'],
]);

// Another data folder makes this a separate app, for tests and portable installations.
const dataFolder = process.env['NIGHTGLASS_DATA'];
if (dataFolder !== undefined && dataFolder !== '')
  app.setPath('userData', path.resolve(dataFolder));

protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  {
    scheme: 'photo',
    privileges: { standard: true, secure: true, supportFetchAPI: true, corsEnabled: true },
  },
]);

function account(error: unknown): void {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}

/** The folder to open for a file or folder named by the system. */
async function folderOf(named: string): Promise<string | undefined> {
  const found = await stat(named).catch(() => undefined);
  if (found?.isDirectory() === true) return path.resolve(named);
  return found?.isFile() === true && isRawName(path.basename(named))
    ? path.dirname(path.resolve(named))
    : undefined;
}

async function namedFolder(args: readonly string[]): Promise<string | undefined> {
  for (const arg of args.slice(1).reverse()) {
    // When run from a checkout, the arguments include the app's own folder.
    const isOurs = path.resolve(arg) === app.getAppPath() || /\.[cm]?[jt]s$/.test(arg);
    const folder = arg.startsWith('-') || isOurs ? undefined : await folderOf(arg);
    if (folder !== undefined) return folder;
  }
  return undefined;
}

/** Serves only files of the built page, by plain names. */
async function page(request: Request): Promise<Response> {
  const { origin, pathname, host } = new URL(request.url);
  const isOwn = host === 'nightglass' || origin === pageOrigin;
  const name = pathname === '/' ? 'index.html' : pathname.slice(1);
  const type = types.get(path.extname(name));
  if (!isOwn || type === undefined || !/^(?:[\w-]+\/)?[\w-][\w.-]*$/.test(name)) {
    return new Response(null, { status: 404 });
  }
  const bytes = await readFile(path.join(pageFolder, name)).catch(() => undefined);
  if (bytes === undefined) return new Response(null, { status: 404 });
  const headers = {
    'content-type': type,
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
  };
  return new Response(new Uint8Array(bytes), { headers });
}

/** Denies a page all navigation. */
function shut(contents: WebContents): void {
  contents.on('will-navigate', (event) => {
    event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}

async function start(): Promise<void> {
  // Also sandboxes windows that were not created here.
  app.enableSandbox();
  app.on('web-contents-created', (_event, contents) => {
    shut(contents);
  });
  await app.whenReady();
  const own = session.defaultSession;
  own.setPermissionRequestHandler((_contents, permission, answer) => {
    answer(permission === 'fullscreen');
  });
  own.setPermissionCheckHandler((_contents, permission) => permission === 'fullscreen');
  own.setDevicePermissionHandler(() => false);

  const store = new Store({ name: 'settings', cwd: app.getPath('userData') });
  const startFolder = (await namedFolder(process.argv)) ?? firstOpened;
  let window: BrowserWindow | undefined;
  const choose = async (options: Electron.OpenDialogOptions): Promise<string | undefined> => {
    const chosen =
      window === undefined
        ? await dialog.showOpenDialog(options)
        : await dialog.showOpenDialog(window, options);
    return chosen.filePaths[0];
  };
  // Child processes look there for the cameras that the user measured.
  process.env['NIGHTGLASS_DATA'] = app.getPath('userData');
  const nightglass = await App.start({
    kind: 'electron',
    folder: app.getPath('userData'),
    settingsFile: {
      read: () => Promise.resolve(store.store),
      write: (settings) => {
        store.set(settings);
        return Promise.resolve();
      },
    },
    roots: startFolder === undefined ? [] : [startFolder],
    startFolder,
    dialogs: {
      folder: () => choose({ properties: ['openDirectory'] }),
      model: () =>
        choose({
          properties: ['openFile'],
          filters: [{ name: 'Models', extensions: ['json', 'onnx'] }],
        }),
      reveal: (file) => {
        shell.showItemInFolder(file);
      },
    },
    trash: (file) => shell.trashItem(file),
    spawn: spawnUtilityEngine,
    spawnView: spawnUtilityView,
    spawnTraining: spawnUtilityTraining,
    spawnSurvey: spawnUtilitySurvey,
    canUpdate,
    onBug: account,
    quit: () => {
      app.quit();
    },
  });

  own.protocol.handle('app', page);
  own.protocol.handle('photo', async (request) => {
    const answer = await nightglass.pixels.handle(request);
    answer.headers.set('access-control-allow-origin', pageOrigin);
    // The page's origin differs from that of its pixels, so it may only read the headers named
    // here.
    answer.headers.set('access-control-expose-headers', Object.values(tileHeaders).join(', '));
    return answer;
  });
  // Blocks all network access of the window, including that of its packages.
  own.webRequest.onBeforeRequest(({ url }, answer) => {
    const isOwn = /^(app|photo|blob|data|devtools|chrome-extension):/.test(url);
    answer({ cancel: !isOwn });
  });

  const openNamed = async (named: string): Promise<boolean> => {
    const folder = await folderOf(named);
    if (folder === undefined) return false;
    await nightglass.access.grant(folder);
    nightglass.events.emit('app.openFolder', { path: folder });
    window?.show();
    return true;
  };
  const openFirst = async (paths: readonly string[]): Promise<void> => {
    for (const one of paths) if (await openNamed(one)) return;
  };
  openFile = openNamed;

  const { log } = nightglass;
  const showLog = (): void => {
    shell.showItemInFolder(log.touch());
  };
  app.on('child-process-gone', (_event, { type, name, reason, exitCode }) => {
    if (reason === 'clean-exit' || reason === 'killed') return;
    log.write('child', `${name ?? type} ended: ${reason}, status ${exitCode}`);
  });
  followUpdates(nightglass);

  const handlers = handlersOf(nightglass);
  let caller: Caller | undefined;
  const isOwnFrame = (event: Electron.IpcMainEvent): boolean =>
    event.sender === window?.webContents &&
    event.senderFrame === event.sender.mainFrame &&
    event.senderFrame.url.startsWith(`${pageOrigin}/`);
  ipcMain.on('wire-open', (event) => {
    if (!isOwnFrame(event)) return;
    caller?.close();
    caller = new Caller({
      handlers,
      events: nightglass.events,
      onBug: nightglass.host.onBug,
      post: (message) => {
        if (!event.sender.isDestroyed()) event.sender.send('wire', message);
      },
    });
  });
  ipcMain.on('wire', (event, message: unknown) => {
    if (isOwnFrame(event)) caller?.receive(message);
  });
  ipcMain.on('dropped', (event, unknown: unknown) => {
    const paths = z.array(z.string().max(4096)).max(1000).safeParse(unknown);
    if (isOwnFrame(event) && paths.success) void openFirst(paths.data);
  });

  window = new BrowserWindow({
    ...placeOf(store),
    minWidth: 1024,
    minHeight: 700,
    show: false,
    backgroundColor: '#111214',
    webPreferences: {
      preload: path.join(appRoot, 'out/preload/index.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
    },
  });
  const shown = window;
  savePlace(shown, store);
  desktopMenu(shown, nightglass.events, showLog);
  shown.once('ready-to-show', () => {
    shown.show();
  });
  shown.on('closed', () => {
    caller?.close();
    caller = undefined;
    window = undefined;
  });
  reloadAfterCrashes(shown, { log, showLog });
  app.on('second-instance', (_event, args, folder) => {
    if (shown.isMinimized()) shown.restore();
    shown.show();
    shown.focus();
    void namedFolder(
      args.map((arg) => (arg.startsWith('-') ? arg : path.resolve(folder, arg))),
    ).then((named) => (named === undefined ? undefined : openNamed(named)));
  });
  let isClosed = false;
  let isQuitting = false;
  askBeforeClosing(
    shown,
    () => nightglass.desk.isTraining && !isQuitting,
    () => {
      app.quit();
    },
  );
  app.on('activate', () => {
    shown.show();
  });
  app.on('before-quit', (event) => {
    isQuitting = true;
    if (isClosed) return;
    event.preventDefault();
    void nightglass.close().finally(() => {
      isClosed = true;
      app.quit();
    });
  });
  app.on('window-all-closed', () => {
    app.quit();
  });
  await shown.loadURL(`${pageOrigin}/`);
}

/** macOS passes files by this event, possibly before the app is ready. */
let firstOpened: string | undefined;
let openFile = async (named: string): Promise<boolean> => {
  firstOpened = await folderOf(named);
  return firstOpened !== undefined;
};
app.on('open-file', (event, named) => {
  event.preventDefault();
  void openFile(named);
});

if (app.requestSingleInstanceLock()) {
  const log = new Log(app.getPath('userData'));
  log.watchProcess('app');
  start().catch((error: unknown) => {
    log.write('app', error);
    account(error);
    app.exit(1);
  });
} else {
  app.quit();
}
