/** SwiftShader, a graphics card in software, which Debian's chromium brings. */

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const loaders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/chromium'];

/** Why tests that need it skip. */
export const noSwiftShader =
  'SwiftShader or the Vulkan loader is not installed (Debian’s chromium has both)';

/** What a process needs in its environment to find it; undefined where it is not installed. */
export function swiftShader(): Readonly<Record<string, string>> | undefined {
  const loader = loaders.find((place) => existsSync(path.join(place, 'libvulkan.so.1')));
  if (loader === undefined || !existsSync(driver)) return undefined;
  // Layers of Mesa, where there are any, look for a display's socket and complain of having no place for it.
  return { VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: loader, XDG_RUNTIME_DIR: tmpdir() };
}
