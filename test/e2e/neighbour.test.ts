/**
 * A neighbour on the same computer, in a real browser: a server on another port that is sent a click,
 * and whoever reads command lines. What they get opens nothing. The owner sees and ends windows.
 */

import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { launchWindow } from '../../main/commands/launch.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { sessionWords } from '../../renderer/session-words.ts';
import { strings } from '../../renderer/strings.ts';
import { openSession, openSocket } from '../contract/carriers.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import { expectAccessible, openWindow, type OpenWindow } from './window.ts';

const patienceMs = 90_000;
vi.setConfig({ testTimeout: 2 * patienceMs, hookTimeout: 2 * patienceMs });
const soon = <T>(what: () => T) => expect.poll(what, { timeout: patienceMs });
const secretPattern = /[0-9a-f]{64}/;

describe.skipIf(chromiumPath === undefined)('a neighbour', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  /** Every header and target that the neighbour was sent. */
  const captured: string[] = [];
  let opened: OpenWindow;
  let browser: Browser;
  let neighbour: Server;
  let neighbourPort: number;

  beforeAll(async () => {
    writeSmallDngs(photos, 1);
    opened = await openWindow(root, { startFolder: photos });
    const found = opened.page.context().browser();
    if (found === null) throw new Error('expected a browser');
    browser = found;
    neighbour = createServer((request, response) => {
      captured.push(request.url ?? '', ...request.rawHeaders);
      response.setHeader('content-type', 'text/html');
      response.end(attack(opened.host.port));
    });
    await new Promise<void>((resolve) => neighbour.listen(0, '127.0.0.1', resolve));
    neighbourPort = z.object({ port: z.number() }).parse(neighbour.address()).port;
  });

  afterAll(async () => {
    await opened.close();
    neighbour.closeAllConnections();
    neighbour.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  const openTab = async (address: string): Promise<Page> => {
    const page = await browser.newPage();
    page.setDefaultTimeout(patienceMs);
    await page.goto(address);
    return page;
  };
  const cell = (page: Page) => page.locator('.cell', { hasText: '1.dng' });
  const secretOf = (page: Page): Promise<string> =>
    page.evaluate(() => sessionStorage.getItem('nightglass-session') ?? '');

  test('that is sent a click learns nothing that opens the app, and cannot end it', async () => {
    const page = await openTab(opened.host.newLink().address);
    await cell(page).locator('img').first().waitFor();
    const secret = await secretOf(page);
    expect(secret).toMatch(secretPattern);
    expect(await page.context().cookies()).toEqual([]);

    await page.evaluate((port) => {
      const link = document.createElement('a');
      link.href = `http://127.0.0.1:${port}/`;
      document.body.append(link);
      link.click();
    }, neighbourPort);
    await page.waitForFunction(() => document.title === 'attacked');
    const results: unknown = await page.evaluate('window.results');
    expect(results).toEqual({
      '//': 'closed',
      '/wire': 'closed',
      'http://[': 'closed',
      session: 'hidden',
      pixels: 'error',
    });
    expect(captured.join('\n')).not.toMatch(secretPattern);
    expect(captured.map((one) => one.toLowerCase())).not.toContain('cookie');

    // It sends all that it was sent, and says that it is the app's own page.
    const origin = `http://127.0.0.1:${opened.host.port}`;
    for (const word of new Set(captured)) {
      const headers = { origin, cookie: word, authorization: `Bearer ${word}` };
      const answer = await fetch(`${origin}/photo/thumb/${'0'.repeat(24)}/a`, { headers });
      expect(answer.status, word).toBe(403);
    }
    const socket = openSocket(opened.host.address, '0'.repeat(64));
    expect(
      await new Promise((resolve) =>
        socket.once('error', (error) => {
          resolve(error.message);
        }),
      ),
    ).toMatch('403');

    // The window's tab goes back, or is loaded again, and is connected as before.
    await page.goBack();
    await cell(page).waitFor();
    await page.reload();
    await cell(page).locator('img').first().waitFor();
    expect(await secretOf(page)).toBe(secret);
    expect(page.url()).toBe(`${origin}/`);
    await page.context().close();
  });

  test('in another tab is told what to do, and the owner lets windows in and ends them', async () => {
    const { page, host } = opened;
    const origin = `http://127.0.0.1:${host.port}`;
    const other = await openTab(origin);
    await other.getByRole('heading', { name: strings.noApp }).waitFor();
    await other.getByText('For another link look where the program was started').waitFor();

    await page.keyboard.press('Control+,');
    const dialog = page.getByRole('dialog', { name: strings.settings });
    await dialog.getByRole('button', { name: strings.pages.sessions }).click();
    const rows = dialog.getByRole('list', { name: sessionWords.sessions }).getByRole('listitem');
    await rows.filter({ hasText: sessionWords.thisWindow }).waitFor();
    await dialog.getByRole('button', { name: sessionWords.newLink }).click();
    const address = await dialog.getByRole('textbox').inputValue();
    expect(address).toMatch(new RegExp(`^${origin}/#[0-9a-f]{64}$`));
    const before = await rows.count();
    await other.goto(address);
    await cell(other).waitFor();
    await soon(() => rows.count()).toBe(before + 1);
    await soon(() => rows.last().textContent()).toMatch(/Chromium \d+ on Linux.*Connected since/s);
    await expectAccessible(page, 'settings-sessions');

    // By the keyboard alone.
    await rows.last().getByRole('button').focus();
    await page.keyboard.press('Enter');
    await other.getByRole('heading', { name: strings.windowEnded }).waitFor();
    await soon(() => rows.count()).toBe(before);
    expect(
      await dialog
        .getByRole('list', { name: sessionWords.sessions })
        .evaluate((list) => list === document.activeElement),
    ).toBe(true);
    expect(await secretOf(other)).toBe('');
    await other.reload();
    await other.getByRole('heading', { name: strings.noApp }).waitFor();
    await expectAccessible(other, 'not-connected');
    await other.context().close();

    // A thief spends the link first; the owner sees and ends all others.
    const thief = await openSession(host.newLink().address);
    await soon(() => rows.count()).toBe(before + 1);
    await dialog.getByRole('button', { name: sessionWords.endOtherSessions }).click();
    await soon(() => rows.count()).toBe(1);
    const socket = openSocket(host.address, thief);
    expect(
      await new Promise((resolve) =>
        socket.once('error', (error) => {
          resolve(error.message);
        }),
      ),
    ).toMatch('403');
    await page.keyboard.press('Escape');
  });

  test.skipIf(process.platform !== 'linux')(
    'who reads command lines finds no link on them',
    async () => {
      const entered: string[] = [];
      const host = await HeadlessHost.listen(opened.app, {
        port: 0,
        pageFolder: path.join(root, 'page'),
        onEnter: (agent) => entered.push(agent),
      });
      const folder = path.join(root, 'launched');
      const script = path.join(root, 'browser');
      const pidFile = path.join(root, 'browser.pid');
      writeFileSync(
        script,
        `#!/bin/sh\necho $$ > '${pidFile}'\nexec '${chromiumPath ?? ''}' --headless=new --no-sandbox --disable-gpu --disable-background-networking "$@"\n`,
      );
      chmodSync(script, 0o755);
      await launchWindow({ browser: script, folder, link: host.newLink() });
      const seen = new Set<string>();
      await soon(() => {
        for (const words of commandLines().filter((line) => line.includes(folder))) seen.add(words);
        return entered.length;
      }).toBe(1);
      const pid = Number(readFileSync(pidFile, 'utf8'));
      process.kill(-pid);
      expect(entered[0]).toMatch(/^Chromium \d+ on Linux$/);
      expect([...seen].join('\n')).toContain('open.html');
      expect([...seen].join('\n')).not.toMatch(secretPattern);
      await soon(() => readdirSync(folder).filter((name) => name.startsWith('open-'))).toEqual([]);
      await host.close();
    },
  );

  test.skipIf(process.platform === 'win32')(
    'finds no link in a file either, and the file goes with the link',
    async () => {
      const folder = path.join(root, 'hidden');
      mkdirSync(folder);
      const link = opened.host.newLink();
      await launchWindow({ browser: '/bin/true', folder, link });
      const [name] = readdirSync(folder);
      const hidden = path.join(folder, name ?? '');
      expect(statSync(hidden).mode & 0o777).toBe(0o700);
      expect(statSync(path.join(hidden, 'open.html')).mode & 0o777).toBe(0o600);
      expect(readFileSync(path.join(hidden, 'open.html'), 'utf8')).toContain(link.address);
      await openSession(link.address);
      await soon(() => readdirSync(folder)).toEqual([]);
    },
  );
});

/** Of every process that can be seen. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        // It has ended meanwhile.
        return '';
      }
    });
}

/** A page that tries what a page of another port can try against the app, and says how it went. */
function attack(port: number): string {
  return `<!doctype html><title>attacking</title><script>
    window.results = {};
    const app = '127.0.0.1:${port}';
    const socket = (target) => new Promise((resolve) => {
      let one;
      try { one = new WebSocket('ws://' + app + target); } catch { resolve('closed'); return; }
      one.onopen = () => resolve('open');
      one.onclose = () => resolve('closed');
    });
    (async () => {
      results['//'] = await socket('//');
      results['/wire'] = await socket('/wire');
      results['http://['] = await socket('/http://[');
      const answer = await fetch('http://' + app + '/session', { method: 'POST', mode: 'no-cors', body: '0'.repeat(64) })
        .catch(() => undefined);
      results.session = answer === undefined || answer.type === 'opaque' ? 'hidden' : 'seen';
      results.pixels = await new Promise((resolve) => {
        const image = new Image();
        image.onload = () => resolve('seen');
        image.onerror = () => resolve('error');
        image.src = 'http://' + app + '/photo/thumb/' + '0'.repeat(24) + '/a';
      });
      document.title = 'attacked';
    })();
  </script>`;
}
