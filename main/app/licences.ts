/** Lists the components of the app with their licences. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { appRoot } from '../base/root.ts';

export interface Component {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** The licence's text; '' if the package has none. */
  readonly text: string;
}

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default('see its text'),
  dependencies: z.record(z.string(), z.string()).default({}),
});

/** Native libraries inside packages, which their package.json does not list. */
const inside: readonly Component[] = [
  {
    name: 'LibRaw',
    version: '0.22.1, in libraw-wasm',
    licence: 'LGPL-2.1-only OR CDDL-1.0',
    text: 'LibRaw, Copyright (C) 2008-2026 LibRaw LLC. Based on dcraw by Dave Coffin. https://www.libraw.org',
  },
  {
    name: 'ONNX Runtime',
    version: 'in onnxruntime-node',
    licence: 'MIT',
    text: 'ONNX Runtime, Copyright (c) Microsoft Corporation. https://onnxruntime.ai',
  },
];

/** The app, its packages, and their dependencies. */
export async function components(): Promise<Component[]> {
  const own = await readPackage(appRoot);
  const names = new Set(Object.keys(own?.dependencies ?? {}));
  // The libraries that sharp links to come in a package for each system.
  const images = await readdir(path.join(appRoot, 'node_modules/@img')).catch(() => []);
  for (const name of images) if (name.startsWith('sharp-')) names.add(`@img/${name}`);
  const found: Component[] = own === undefined ? [] : [await describe(appRoot, own)];
  for (const name of [...names].sort()) {
    const folder = path.join(appRoot, 'node_modules', name);
    const one = await readPackage(folder);
    if (one !== undefined) found.push(await describe(folder, one));
  }
  return [...found, ...inside];
}

type PackageJson = z.infer<typeof packageSchema>;

async function readPackage(folder: string): Promise<PackageJson | undefined> {
  try {
    const text = await readFile(path.join(folder, 'package.json'), 'utf8');
    return packageSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function describe(
  folder: string,
  { name, version, license }: PackageJson,
): Promise<Component> {
  const names = await readdir(folder).catch(() => []);
  const files = names
    .filter((file) => /^(licen[cs]e|copying|notice|third.?party)/i.test(file))
    .sort();
  const texts = await Promise.all(
    files.map((file) => readFile(path.join(folder, file), 'utf8').catch(() => '')),
  );
  return { name, version, licence: license, text: texts.join('\n\n').slice(0, 200_000) };
}
