/** The available networks: shipped with the app, or imported by the user. */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { ModelSummary } from '../../preload/contract/contract.ts';
import { defaultModel } from '../../preload/contract/edits.ts';
import { openOutputFolder, writeAtomically } from '../base/atomic.ts';
import { modelsFolder, readModel, type Manifest, type Model } from './manifest.ts';
import { Refusal } from '../base/refusal.ts';
import { unetWords } from './unet.ts';

export class Models {
  readonly #folder: string;
  readonly #shippedFolder: string;
  readonly #tryOut: (manifest: string) => Promise<void>;
  /** Called when a model was imported, possibly replacing another. */
  onArrival: (id: string) => void = () => undefined;

  /**
   * @param folder of imported models
   * @param tryOut runs a model, by its manifest's path, before it is imported; throws if it cannot
   *   run
   */
  constructor(
    folder: string,
    shippedFolder = modelsFolder,
    tryOut: (manifest: string) => Promise<void> = () => Promise.resolve(),
  ) {
    this.#folder = folder;
    this.#shippedFolder = shippedFolder;
    this.#tryOut = tryOut;
  }

  /** The readable models; others are skipped. */
  async list(): Promise<ModelSummary[]> {
    const summaries = new Map<string, ModelSummary>();
    for (const folder of [this.#shippedFolder, this.#folder]) {
      for (const file of await manifestsIn(folder)) {
        const model = await readModel(file).catch(() => undefined);
        if (model === undefined || summaries.has(model.manifest.id)) continue;
        summaries.set(model.manifest.id, summaryOf(model, folder === this.#shippedFolder));
      }
    }
    return [...summaries.values()];
  }

  /** Whether there is a model of this id. */
  has(id: string): boolean {
    return [this.#shippedFolder, this.#folder].some((folder) =>
      existsSync(path.join(folder, `${id}.json`)),
    );
  }

  /** The manifest's path. @throws Refusal `model` */
  async pathOf(id: string): Promise<string> {
    for (const folder of [this.#shippedFolder, this.#folder]) {
      const file = path.join(folder, `${id}.json`);
      if (await isThere(file)) return file;
    }
    throw new Refusal('model', `there is no model "${id}": choose another one in the settings`);
  }

  /**
   * Version of a model's weights, which changes when the id refers to others; '' if there is none.
   */
  async versionOf(id: string): Promise<string> {
    for (const folder of [this.#shippedFolder, this.#folder]) {
      const text = await readFile(path.join(folder, `${id}.json`), 'utf8').catch(() => '');
      const found = /"sha256":\s*"([0-9a-f]{64})"/.exec(text)?.[1];
      if (found !== undefined) return found;
    }
    return '';
  }

  /**
   * Copies a model, and the card beside it, into the app's data after running it and checking it
   * against its manifest.
   * @throws Refusal `model`, `disk`; `bad-argument` if the id is a shipped model's
   */
  async import(file: string): Promise<ModelSummary> {
    if (!/\.(json|onnx)$/.test(file)) {
      throw new Refusal(
        'model',
        `expected a model's .json or .onnx file but received ${path.basename(file)}`,
      );
    }
    const model = await readModel(file);
    const { id } = model.manifest;
    if (await isThere(path.join(this.#shippedFolder, `${id}.json`))) {
      throw new Refusal(
        'bad-argument',
        `a model "${id}" comes with the app: give yours another id in its manifest`,
      );
    }
    if (id === defaultModel) {
      throw new Refusal(
        'bad-argument',
        `no model can have the id "${id}": give yours another one in its manifest`,
      );
    }
    await this.#tryOut(file);
    const manifest: Manifest = { ...model.manifest, file: `${id}.onnx` };
    await mkdir(this.#folder, { recursive: true });
    await writeAtomically(path.join(this.#folder, manifest.file), [model.onnx], {
      overwrite: true,
    });
    const card = await readFile(file.replace(/\.(json|onnx)$/, '.md')).catch(() => undefined);
    const kept = path.join(this.#folder, `${id}.md`);
    // An earlier model of this id may have had a card.
    if (card === undefined) await rm(kept, { force: true });
    else await writeAtomically(kept, [card], { overwrite: true });
    await writeManifest(path.join(this.#folder, `${id}.json`), manifest);
    this.onArrival(id);
    return summaryOf(model, false);
  }

  /** @throws Refusal `bad-argument` for a shipped model; `model` */
  async remove(id: string): Promise<void> {
    const file = await this.#own(id, 'stays');
    await unlink(file);
    for (const ending of ['onnx', 'md']) {
      await unlink(path.join(this.#folder, `${id}.${ending}`)).catch(() => undefined);
    }
  }

  /** The manifest of an imported model. */
  async #own(id: string, whatShippedDo: string): Promise<string> {
    const file = path.join(this.#folder, `${id}.json`);
    if (await isThere(file)) return file;
    const isShipped = await isThere(path.join(this.#shippedFolder, `${id}.json`));
    throw isShipped
      ? new Refusal('bad-argument', `the model "${id}" came with the app and ${whatShippedDo}`)
      : new Refusal('model', `there is no model "${id}"`);
  }

  /** @throws Refusal `bad-argument` for a shipped model; `model`, `disk` */
  async rename(id: string, name: string): Promise<ModelSummary> {
    const file = await this.#own(id, 'keeps its name');
    const model = await readModel(file);
    const manifest: Manifest = { ...model.manifest, name };
    await writeManifest(file, manifest);
    return summaryOf({ ...model, manifest }, false);
  }

  /**
   * Copies manifest, weights and card.
   * @param folder created if it does not exist
   * @returns the manifest's path
   * @throws Refusal `model`, `disk`; `bad-argument` if a model of that id is already there
   */
  async export(id: string, folder: string): Promise<string> {
    const { manifest, onnx } = await readModel(await this.pathOf(id));
    const target = path.join(folder, `${id}.json`);
    if (await isThere(target)) {
      throw new Refusal(
        'bad-argument',
        `expected a folder without ${id}.json but ${folder} holds one: choose another folder`,
      );
    }
    await openOutputFolder(folder);
    const card = Buffer.from(await this.card(id));
    await writeAtomically(path.join(folder, `${id}.md`), [card], { overwrite: true });
    await writeAtomically(path.join(folder, manifest.file), [onnx], { overwrite: true });
    await writeManifest(target, manifest);
    return target;
  }

  /**
   * The model's card, or the facts of its manifest, as Markdown.
   * @throws Refusal `model`
   */
  async card(id: string): Promise<string> {
    const file = await this.pathOf(id);
    const { manifest } = await readModel(file);
    const beside = path.join(path.dirname(file), `${id}.md`);
    const own = await readFile(beside, 'utf8').catch(() => undefined);
    if (own !== undefined) return own;
    const readme = path.join(path.dirname(file), 'README.md');
    const section = sectionOf(await readFile(readme, 'utf8').catch(() => ''), id);
    // Marks of seen pairs are for programs only.
    const facts = Object.entries(manifest.training)
      .filter(([name]) => name !== 'pairsSeen')
      .map(([name, value]) => `- ${name}: ${factWords(value)}`);
    return [
      `# ${manifest.name}`,
      manifest.description,
      `Licence: ${manifest.licence}`,
      `${unetWords(manifest.unet)}.`,
      ...(section === undefined ? [] : [section]),
      ...(facts.length === 0 ? [] : [`## Training\n\n${facts.join('\n')}`]),
    ].join('\n\n');
  }
}

/** The section of a README for several models whose heading is this id. */
function sectionOf(readme: string, id: string): string | undefined {
  const [, after] = readme.split(`\n## \`${id}\`\n`);
  return after?.split(/\n## /)[0]?.trim();
}

/** A fact of a manifest on one line. */
function factWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(factWords).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${factWords(part)}`)
    .join(', ');
}

function summaryOf({ manifest, onnx }: Model, isShipped: boolean): ModelSummary {
  const { id, name, description, licence } = manifest;
  const { baseChannels } = manifest.unet;
  return { id, name, description, licence, bytes: onnx.byteLength, baseChannels, isShipped };
}

async function manifestsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /^[a-z0-9][a-z0-9-]*\.json$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

async function writeManifest(file: string, manifest: Manifest): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  await writeAtomically(file, [text], { overwrite: true });
}

async function isThere(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() === true;
}
