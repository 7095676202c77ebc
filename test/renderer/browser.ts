/** Debian's Chromium for tests that need a real browser; where there is none they skip, and say so. */

import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Undefined: such tests are skipped. */
export const chromiumPath = places.find((place) => place !== undefined && existsSync(place));

if (chromiumPath === undefined) {
  console.warn(
    'skipped: tests in a browser want Chromium at /usr/bin/chromium or named by CHROMIUM',
  );
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-gpu-compositing',
      '--use-gl=angle',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
    ],
  });
}
