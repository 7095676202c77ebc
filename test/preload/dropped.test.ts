/** Dropped paths: the built preload script in a real browser, in a world of its own as Electron runs it. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { z } from 'zod';

import { droppedPaths } from '../../preload/dropped.ts';
import { chromiumPath, launchChromium } from '../renderer/browser.ts';

const root = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'nightglass-drop-'));
const photo = path.join(folder, 'night.dng');
writeFileSync(photo, 'a photo');

const outputSchema = z.array(z.object({ output: z.array(z.object({ code: z.string() })) }));

/** The preload script as one CommonJS text. */
async function preloadScript(): Promise<string> {
  const built = await build({
    root,
    configFile: path.join(root, 'vite.preload.config.ts'),
    logLevel: 'error',
    build: { write: false },
  });
  return outputSchema.parse(built)[0]?.output[0]?.code ?? '';
}

/**
 * What the script takes from Electron, as far as a browser has it: messages to the main process go to
 * a binding, and every file has a path, so that only the check of the event is left to refuse one.
 */
const electron = `{
  contextBridge: { exposeInMainWorld: () => undefined },
  ipcRenderer: {
    on: () => undefined,
    send: (channel, value) => { if (channel === 'dropped') tellMain(JSON.stringify(value)); },
  },
  webUtils: { getPathForFile: (file) => '/on-disk/' + file.name },
}`;

const file = (name: string) => new File(['a photo'], name);
const drop = (isTrusted: boolean, files: readonly File[]) => ({
  isTrusted,
  dataTransfer: { files },
});

describe('the paths of a drop', () => {
  const onDisk = (one: File): string => (one.name === 'made.dng' ? '' : `/photos/${one.name}`);

  it('are those of files that lie on the disk', () => {
    const files = [file('a.dng'), file('made.dng'), file('b.dng')];
    expect(droppedPaths(drop(true, files), onDisk)).toEqual(['/photos/a.dng', '/photos/b.dng']);
  });

  it('are none where a script made the event', () => {
    expect(droppedPaths(drop(false, [file('a.dng')]), onDisk)).toEqual([]);
  });

  it('are a thousand at most', () => {
    const files = Array.from({ length: 1200 }, (_, index) => file(`${index}.dng`));
    expect(droppedPaths(drop(true, files), onDisk)).toHaveLength(1000);
  });
});

describe.skipIf(chromiumPath === undefined)('the preload script', () => {
  let browser: Browser;
  let page: Page;
  let devtools: CDPSession;
  const told: unknown[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    devtools = await page.context().newCDPSession(page);
    await devtools.send('Page.enable');
    await devtools.send('Runtime.enable');
    await devtools.send('Runtime.addBinding', {
      name: 'tellMain',
      executionContextName: 'preload',
    });
    devtools.on('Runtime.bindingCalled', ({ payload }) => {
      told.push(JSON.parse(payload));
    });
    await devtools.send('Page.addScriptToEvaluateOnNewDocument', {
      worldName: 'preload',
      source: `(() => { const require = () => (${electron}); const exports = {}; ${await preloadScript()} })();`,
    });
    const html = `<body style="height: 400px"><script>for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault())</script>`;
    await page.goto(`data:text/html,${encodeURIComponent(html)}`);
  });

  afterAll(async () => {
    await browser.close();
  });

  it('names what the user drops, and nothing that a script of the page drops', async () => {
    await page.evaluate(`
      const made = new DataTransfer();
      made.items.add(new File(['x'], 'etc'));
      const event = new DragEvent('drop', { dataTransfer: made, bubbles: true });
      Object.defineProperty(event, 'dataTransfer', { value: made });
      try { Object.defineProperty(event, 'isTrusted', { value: true }); } catch {}
      DragEvent.prototype.constructor = Object;
      document.body.dispatchEvent(event);
    `);
    const data = { items: [], files: [photo], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await devtools.send('Input.dispatchDragEvent', { type, x: 100, y: 100, data });
    }
    await expect.poll(() => told).toEqual([['/on-disk/night.dng']]);
  });
});
