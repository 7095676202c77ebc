/** The whole app in a headless browser: real host, real engine, a small network, and a page to drive. */

import path from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { build } from 'vite';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Host } from '../../main/app/app.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { startApp, type TestApp } from '../contract/carriers.ts';
import { launchChromium } from '../renderer/browser.ts';

/** Pictures of every screen, for whoever wants to look; not kept in the repository. */
const screenshots = path.join(import.meta.dirname, '../../out/screenshots');

export interface OpenPage {
  readonly page: Page;
  /** What the page complained of: errors of scripts, and refused resources of the page itself. */
  readonly complaints: string[];
  close(): Promise<void>;
}

export interface OpenWindow extends OpenPage, TestApp {
  readonly host: HeadlessHost;
}

/**
 * @param root holds the app's data; its folder `photos` can be opened
 * @param changes to the host
 */
export async function openWindow(root: string, changes: Partial<Host> = {}): Promise<OpenWindow> {
  const pageFolder = await buildPage(root);
  const running = await startApp(root, changes);
  const host = await HeadlessHost.listen(running.app, { port: 0, pageFolder });
  const opened = await openPage(host.address);
  return {
    ...running,
    ...opened,
    host,
    close: async () => {
      await opened.close();
      await host.close();
      await running.app.close();
    },
  };
}

/** @returns the folder that the window was built into */
export async function buildPage(root: string): Promise<string> {
  const pageFolder = path.join(root, 'page');
  const home = path.join(import.meta.dirname, '../..');
  await build({
    configFile: path.join(home, 'vite.config.ts'),
    root: path.join(home, 'renderer'),
    logLevel: 'error',
    build: { outDir: pageFolder },
  });
  return pageFolder;
}

export async function openPage(address: string): Promise<OpenPage> {
  const browser = await launchChromium();
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  page.setDefaultTimeout(100_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // Photos that cannot be read have no thumbnail: the browser logs each answer 422 and 404.
    const isAnswer = /status of 4(04|22)/.test(message.text());
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text());
  });
  await page.goto(address);
  return { page, complaints, close: () => browser.close() };
}

/** Exports all photos that the library shows, as a user does. */
export async function enhanceAll(page: Page): Promise<void> {
  await page.getByRole('listbox').focus();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Enhance all' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Enhance \d+$/ })
    .click();
}

const violationsSchema = z.array(
  z.object({
    id: z.string(),
    nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
  }),
);

/** Expects nothing that axe finds against WCAG 2.2 AA, and takes a picture. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  // What fades in has not its colours yet.
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) {
      if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
    }
  });
  await page.screenshot({ path: path.join(screenshots, `${name}.png`) });
  await page.evaluate(axe.source);
  const found: unknown = await page.evaluate(`axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    resultTypes: ['violations'],
  }).then((result) => JSON.parse(JSON.stringify(result.violations)))`);
  const violations = violationsSchema.parse(found).map(({ id, nodes }) => {
    const [first] = nodes;
    return `${id}: ${first?.html.slice(0, 160) ?? ''} ${first?.failureSummary ?? ''}`;
  });
  expect(violations, `axe on ${name}`).toEqual([]);
}

/** Mean of all channels, 0–255, in the middle of the picture as it is on the screen. */
export async function brightness(page: Page): Promise<number> {
  const box = await page.locator('canvas').boundingBox();
  if (box === null) throw new Error('expected a picture on the screen');
  const shot = await page.screenshot({
    clip: {
      x: box.x + box.width * 0.35,
      y: box.y + box.height * 0.35,
      width: box.width * 0.3,
      height: box.height * 0.3,
    },
  });
  const { channels } = await sharp(shot).removeAlpha().stats();
  return channels.reduce((sum, { mean }) => sum + mean, 0) / channels.length;
}
