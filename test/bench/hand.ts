/**
 * `npm run bench -- hand`: what a hand feels. The program itself (`serve`), its engine and its window in
 * headless Chromium, which draws on the processor here: frames are those of a machine without a
 * graphics card. Times are this machine's of this moment; medians, with the worst behind the slash.
 *
 * Usage: npm run bench -- hand [--size 6000x4000] [--photos 6] [--leaf 200] [--many 10000] [--facts 1000]
 *   [--only first,facts,develop,scroll] [--json]
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { writeAtomically } from '../../main/base/atomic.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { launchChromium } from '../renderer/browser.ts';
import { darkMosaic } from './dark.ts';

const { values } = parseArgs({
  options: {
    /** Width × height of the photos that are developed. */
    size: { type: 'string', default: '6000x4000' },
    /** How many are opened from the library, each alone. */
    photos: { type: 'string', default: '6' },
    /** How many are leafed through for the memory they leave. */
    leaf: { type: 'string', default: '200' },
    /** Photos in the folder that is scrolled through. */
    many: { type: 'string', default: '10000' },
    /** Photos whose ISO and time are read for sorting. */
    facts: { type: 'string', default: '1000' },
    only: { type: 'string', default: 'first,facts,develop,scroll' },
    json: { type: 'boolean', default: false },
  },
});
const [width = 0, height = 0] = values.size.split('x').map(Number);
const [photos, leaf, many] = [Number(values.photos), Number(values.leaf), Number(values.many)];
const factsOf = Number(values.facts);
const parts = values.only.split(',');
const patienceMs = 300_000;

interface Serving {
  readonly address: string;
  readonly child: ChildProcess;
}

async function serve(root: string, folder: string): Promise<Serving> {
  const cli = path.join(import.meta.dirname, '../../main/cli.ts');
  const child = spawn(process.execPath, [cli, 'serve', folder], {
    env: { ...process.env, NIGHTGLASS_DATA: path.join(root, 'data') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Also where the bench is broken off.
  process.on('exit', () => child.kill());
  const lines = createInterface(child.stdout);
  return new Promise((resolve, reject) => {
    lines.once('line', (address) => {
      resolve({ address, child });
    });
    child.once('exit', () => {
      reject(new Error('expected an address but the program ended'));
    });
  });
}

async function fill(
  folder: string,
  count: number,
  sides: readonly [number, number],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const first = path.join(folder, '1.dng');
  await writeAtomically(first, cfaDng(darkMosaic(...sides)).chunks(), { overwrite: true });
  for (let n = 2; n <= count; n++) await link(first, path.join(folder, `${n}.dng`));
}

/** Starts the page's clock at the next key or double click, and reads it as the picture comes. */
const watch = `new Promise((resolve) => {
  let begin;
  const marks = {};
  for (const type of ['dblclick', 'keydown'])
    addEventListener(type, (event) => { begin ??= performance.now(); }, { capture: true, once: true });
  const look = () => {
    if (begin !== undefined) {
      const ms = performance.now() - begin;
      const placeholders = [...document.querySelectorAll('.placeholder img')];
      const isDevelop = document.querySelector('.stage') !== null;
      const hasPicture = placeholders.some((image) => image.complete && image.naturalWidth > 0);
      if (isDevelop && hasPicture) marks.picture ??= ms;
      const isGone = isDevelop && document.querySelector('.placeholder') === null;
      // One frame at least with nothing of the photo before is waited for.
      if (isDevelop && !isGone) marks.hasBegun = true;
      if (isGone && (marks.hasBegun || ms > 50)) { marks.picture ??= ms; marks.coarse ??= ms; }
      if (marks.coarse !== undefined && document.querySelector('.busy') === null) {
        resolve({ picture: marks.picture, coarse: marks.coarse, sharp: ms });
        return;
      }
    }
    requestAnimationFrame(look);
  };
  look();
})`;
const marksSchema = z.object({ picture: z.number(), coarse: z.number(), sharp: z.number() });
type Marks = z.infer<typeof marksSchema>;

/** What it is at, for whoever waits. */
function tell(what: string): void {
  if (!values.json) process.stderr.write(`${what}\n`);
}

async function timed(page: Page, act: () => Promise<void>): Promise<Marks> {
  const seen = page.evaluate(watch);
  await act();
  return marksSchema.parse(await seen);
}

/** Lengths of the frames that the page draws while `act` runs. */
async function frames(page: Page, act: () => Promise<unknown>): Promise<readonly number[]> {
  await page.evaluate(`(() => {
    window.frameTimes = [];
    window.areFramesCounted = true;
    let before;
    const count = (now) => {
      if (before !== undefined) window.frameTimes.push(now - before);
      before = now;
      if (window.areFramesCounted) requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  })()`);
  await act();
  const taken: unknown = await page.evaluate(
    '(() => { window.areFramesCounted = false; return window.frameTimes; })()',
  );
  return z.array(z.number()).parse(taken);
}

interface Memory {
  readonly processesMb: number | undefined;
  readonly windowHeapMb: number;
}

/** Resident bytes of a process and all below it; undefined where the system does not tell. */
async function residentMb(pid: number): Promise<number | undefined> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    const parent = /\) \S (\d+) /.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  if (parents.size === 0) return undefined;
  const isBelow = (one: number | undefined): boolean =>
    one !== undefined && (one === pid || isBelow(parents.get(one)));
  let kilobytes = 0;
  for (const one of parents.keys()) {
    if (!isBelow(one)) continue;
    const status = await readFile(`/proc/${one}/status`, 'latin1').catch(() => '');
    kilobytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  }
  return kilobytes / 1e3;
}

async function heapMb(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize / 1e6;
}

function sorted(numbers: readonly number[]): readonly number[] {
  return [...numbers].sort((a, b) => a - b);
}
const median = (numbers: readonly number[]): number =>
  sorted(numbers)[numbers.length >> 1] ?? Number.NaN;
const worst = (numbers: readonly number[]): number => Math.max(...numbers);
const said = (numbers: readonly number[]): string =>
  `${median(numbers).toFixed(0)} / ${worst(numbers).toFixed(0)} ms`;

const rate = (taken: readonly number[]): string =>
  `${(1000 / median(taken)).toFixed(0)} a second, worst ${worst(taken).toFixed(0)} ms`;
const threeOf = (marks: readonly Marks[]): string =>
  (['picture', 'coarse', 'sharp'] as const)
    .map((name) => said(marks.map((mark) => mark[name])))
    .join(', ');

async function openPage(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(patienceMs);
  await page.goto(address);
  await page.locator('.cell').first().waitFor();
  return page;
}

const settled = (page: Page): Promise<void> => page.locator('.busy').waitFor({ state: 'detached' });

async function develop(browser: Browser, root: string) {
  const folder = path.join(root, 'photos');
  await fill(folder, Math.max(leaf, photos + 2), [width, height]);
  const serving = await serve(root, folder);
  const page = await openPage(browser, serving.address);
  const cell = (n: number) => page.locator('.cell', { hasText: new RegExp(`\\b${n}\\.dng`) });
  tell('waiting for the library to rest');
  await page.evaluate(`new Promise((resolve) => {
    const look = () => {
      const cells = [...document.querySelectorAll('.cell')];
      const isDone = (one) => one.querySelector('img.bright') && one.querySelector('.ratio');
      if (cells.every(isDone)) resolve();
      else setTimeout(look, 100);
    };
    look();
  })`);
  tell('opening photos from the library');
  const opened: Marks[] = [];
  const leafed: Marks[] = [];
  for (let n = 1; n <= photos; n++) {
    // Its thumbnail is there, as it is for whoever chooses it by that; nothing else is.
    await cell(n).locator('img.bright').waitFor();
    opened.push(await timed(page, () => cell(n).dblclick()));
    await page.keyboard.press('g');
  }
  tell(`  ${threeOf(opened)}\nlooking at 1:1`);
  await cell(1).dblclick();
  await settled(page);
  const whole: number[] = [];
  for (let n = 0; n < 3; n++) {
    const begin = performance.now();
    await page.keyboard.press('z');
    await page
      .locator('.busy')
      .waitFor({ timeout: 1000 })
      .catch(() => undefined);
    await settled(page);
    whole.push(performance.now() - begin);
    await page.keyboard.press('z');
    await page.keyboard.press('ArrowRight');
    await settled(page);
  }
  tell(`  ${said(whole)}\ndragging the ratio`);
  const slider = page.getByRole('slider', { name: 'Exposure ratio' });
  const box = await slider.boundingBox();
  if (box === null) throw new Error('expected a slider');
  const drag = await frames(page, async () => {
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.2, y);
    await page.mouse.down();
    for (let step = 0; step <= 40; step++)
      await page.mouse.move(box.x + box.width * (0.2 + 0.6 * (step / 40)), y);
    await page.mouse.up();
  });
  await settled(page);
  tell(`  ${rate(drag)}\nleafing through ${leaf} photos`);
  await page.keyboard.press('g');
  await cell(1).dblclick();
  await settled(page);
  const pid = serving.child.pid ?? 0;
  const before = { processesMb: await residentMb(pid), windowHeapMb: await heapMb(page) };
  for (let n = 2; n <= leaf; n++) {
    leafed.push(await timed(page, () => page.keyboard.press('ArrowRight')));
  }
  const after = { processesMb: await residentMb(pid), windowHeapMb: await heapMb(page) };
  tell(`  ${threeOf(leafed)}`);
  await page.close();
  serving.child.kill();
  return { opened, leafed, whole, drag, before, after };
}

async function scroll(browser: Browser, root: string) {
  tell(`scrolling through ${many} photos`);
  const folder = path.join(root, 'many');
  await fill(folder, many, [192, 128]);
  const serving = await serve(root, folder);
  const page = await openPage(browser, serving.address);
  await page
    .getByText(`${many.toLocaleString('en')} photos`)
    .first()
    .waitFor();
  const taken = await frames(page, () =>
    page.evaluate(`new Promise((resolve) => {
      const list = document.querySelector('[role=listbox]');
      const end = performance.now() + 5000;
      const step = () => {
        list.scrollTop += 60;
        if (performance.now() < end) requestAnimationFrame(step);
        else resolve();
      };
      step();
    })`),
  );
  await page.close();
  serving.child.kill();
  return taken;
}

/** A fresh installation: from the photo's double click to its first enhanced picture. */
async function first(browser: Browser, root: string): Promise<number> {
  tell('the first picture of a fresh installation');
  const folder = path.join(root, 'first');
  await fill(folder, 1, [width, height]);
  const serving = await serve(path.join(root, 'fresh'), folder);
  const page = await openPage(browser, serving.address);
  const { coarse } = await timed(page, () => page.locator('.cell').first().dblclick());
  await page.close();
  serving.child.kill();
  return coarse;
}

/** From loading the window to a list that is sorted by ISO, with nothing known before. */
async function facts(browser: Browser, root: string): Promise<number> {
  tell(`the facts of ${factsOf} photos`);
  const folder = path.join(root, 'facts');
  await fill(folder, factsOf, [width, height]);
  const serving = await serve(path.join(root, 'unread'), folder);
  const begin = performance.now();
  const page = await openPage(browser, serving.address);
  await page.getByLabel('Sort by').selectOption('iso');
  await page
    .getByText(`${factsOf.toLocaleString('en')} photos`)
    .first()
    .waitFor();
  await page.locator('footer [role=status]').waitFor({ state: 'detached' });
  const ms = performance.now() - begin;
  await page.close();
  serving.child.kill();
  return ms;
}

const root = await mkdtemp(path.join(tmpdir(), 'nightglass-hand-'));
const browser = await launchChromium();
const isOn = (part: string): boolean => parts.includes(part);
try {
  const firstMs = isOn('first') ? await first(browser, root) : undefined;
  const factsMs = isOn('facts') ? await facts(browser, root) : undefined;
  const developed = isOn('develop') ? await develop(browser, root) : undefined;
  const scrolling = isOn('scroll') ? await scroll(browser, root) : undefined;
  const of = (marks: readonly Marks[], name: keyof Marks): readonly number[] =>
    marks.map((mark) => mark[name]);
  const memory = ({ processesMb, windowHeapMb }: Memory): string =>
    `${processesMb?.toFixed(0) ?? '?'} MB in processes, ${windowHeapMb.toFixed(0)} MB in the window's heap`;
  const rows: [string, string][] = [];
  if (firstMs !== undefined) rows.push(['first enhanced picture, fresh', said([firstMs])]);
  if (factsMs !== undefined) rows.push([`${factsOf} photos sorted by ISO`, said([factsMs])]);
  if (developed !== undefined) {
    const { opened, leafed, whole, drag, before, after } = developed;
    rows.push(
      ['opened from the library: first picture', said(of(opened, 'picture'))],
      ['                         whole, bright', said(of(opened, 'coarse'))],
      ['                         sharp as the screen', said(of(opened, 'sharp'))],
      ['leafed to, after a rest: first picture', said(of(leafed, 'picture'))],
      ['                         whole, bright', said(of(leafed, 'coarse'))],
      ['                         sharp as the screen', said(of(leafed, 'sharp'))],
      ['visible tiles at 1:1', said(whole)],
      ['frames while the ratio is dragged', rate(drag)],
      ['memory with one photo open', memory(before)],
      [`memory after ${leaf} in turn`, memory(after)],
    );
  }
  if (scrolling !== undefined)
    rows.push([`frames while scrolling ${many} photos`, rate(scrolling)]);
  if (!values.json) {
    console.log(
      `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads, photos of ${width} × ${height}`,
    );
    for (const [name, value] of rows) console.log(`${name.padEnd(44)} ${value}`);
  }
  console.log(JSON.stringify({ width, height, firstMs, factsMs, ...developed, scrolling }));
} finally {
  await browser.close();
  await rm(root, { recursive: true, force: true });
}
