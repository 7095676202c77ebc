/**
 * Whatever a window sends, the app neither breaks nor touches a file outside of what it was given. One long file, because
 * every test draws from the same hostile values and watches the same app.
 */

import {
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { App } from '../../main/app/app.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { photoIdOf } from '../../main/library/photo-id.ts';
import { calls, type CallName } from '../../preload/contract/contract.ts';
import { parsePixelUrl, pixelUrl } from '../../preload/contract/pixel-url.ts';
import { toCallerSchema } from '../../preload/contract/wire.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { connectMemory, openSession, openSocket, startApp, type Connection } from './carriers.ts';
import { inputsOf } from './inputs.ts';

/** Names, sizes and times of all that is in a folder. */
function snapshot(folder: string): unknown {
  return readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, String(name)))
    .sort()
    .map((file) => [file, statSync(file).size, statSync(file).mtimeMs]);
}

/** As JSON; '' for what has none. */
function textOf(message: unknown): string {
  try {
    return JSON.stringify(message);
  } catch {
    return '';
  }
}

const names = Object.keys(calls).filter((name): name is CallName => Object.hasOwn(calls, name));

describe('a window that sends anything', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const outside = path.join(root, 'outside');
  const known = photoIdOf(path.join(photos, '1.dng'));
  let app: App;
  let bugs: unknown[];
  let connection: Connection;
  let ids: string[];

  beforeAll(async () => {
    writeSmallDngs(photos, 2);
    writeSmallDngs(outside, 1);
    writeFileSync(path.join(outside, 'keep.txt'), 'kept');
    ({ app, bugs } = await startApp(root));
    // What would work with the network is refused at its door: this is about the door.
    app.queue.pause();
    connection = await connectMemory(app);
    ids = (
      await connection.client.call('library.open', { path: photos, subfolders: false })
    ).photos.map(({ id }) => id);
  });

  afterAll(async () => {
    await connection.close();
    await app.close();
  });

  const hostilePath = fc.oneof(
    fc.constantFrom(
      outside,
      path.join(photos, '..', 'outside'),
      path.join(photos, '..', 'outside', '1.dng'),
      `${photos}/../outside`,
      '..',
      '../outside',
      '/',
      '/etc',
      '/proc/self/environ',
      '\0',
      `${photos}\0/..`,
      'C:\\Windows',
      '\\\\server\\share',
      'file:///etc/passwd',
    ),
    fc.string(),
  );
  const anything = fc.oneof(
    fc.anything(),
    hostilePath,
    fc.constantFrom(
      Number.NaN,
      Infinity,
      -1,
      2 ** 53,
      1e308,
      '__proto__',
      'constructor',
      null,
      undefined,
    ),
  );
  const fields = [
    'path', 'photo', 'photos', 'model', 'edits', 'choice', 'rating', 'subfolders', 'items', 'template',
    'whiteBalance', 'colour', 'isAfresh', 'theme', 'exportPresets', 'exports', 'ratio', 'folder', '__proto__',
  ]; // prettier-ignore
  const input = fc.oneof(
    anything,
    fc.dictionary(fc.constantFrom(...fields), anything, { maxKeys: 4 }),
    fc.record({ path: hostilePath, subfolders: fc.boolean() }),
    fc.record({ path: hostilePath }),
    fc.record({ photo: fc.constant(known) }),
    fc.record({
      photo: fc.constant(known),
      colour: fc.array(fc.double(), { minLength: 3, maxLength: 3 }),
    }),
    fc.record({
      photos: fc.constant([known]),
      edits: fc.record({ ratio: fc.double(), angle: fc.double() }),
    }),
    fc.record({
      photos: fc.constant([known]),
      edits: fc.record({ ratio: fc.double({ min: 1, max: 300, noNaN: true }) }),
    }),
    fc.record({
      photos: fc.array(fc.oneof(fc.constantFrom(known, '0'.repeat(24), 'x'), hostilePath), {
        maxLength: 3,
      }),
      edits: fc.dictionary(fc.string(), anything),
    }),
    fc.record({
      exportPresets: fc.tuple(
        fc.record({
          name: fc.string(),
          choice: fc.record({
            output: fc.constant({ format: 'png', bits: 8 }),
            space: fc.constant('srgb'),
            template: fc.oneof(
              fc.constantFrom('../../x', '{name}/../x', '{nothing}', '..'),
              fc.string(),
            ),
            folder: hostilePath,
            onConflict: fc.constant('overwrite'),
          }),
        }),
      ),
    }),
  );
  // These would end the test's own app, or wait for devices.
  const callName = fc.constantFrom(
    ...names.filter((name) => name !== 'app.quit' && name !== 'devices.test'),
  );

  it('answers every call, and finds no bug in itself', async () => {
    const before = readdirSync(root).sort();
    let nextId = 1_000_000;
    const answers = new Map<number, string>();
    let settle: ((id: number) => void) | undefined;
    connection.raw.listen((message) => {
      const parsed = toCallerSchema.parse(message);
      if (parsed.kind === 'reply' || parsed.kind === 'fail') {
        answers.set(parsed.id, parsed.kind === 'fail' ? parsed.failure.code : 'reply');
        settle?.(parsed.id);
      }
    });
    await fc.assert(
      fc.asyncProperty(callName, input, async (name, given) => {
        const id = nextId++;
        const answered = new Promise<void>((resolve) => {
          settle = (which) => {
            if (which === id) resolve();
          };
        });
        try {
          connection.raw.post({ kind: 'call', id, name, input: given });
        } catch (error) {
          // Functions and symbols pass no carrier.
          expect(error).toMatchObject({ name: 'DataCloneError' });
          return;
        }
        await answered;
        expect(answers.get(id)).not.toBe('bug');
      }),
      { numRuns: 1500 },
    );
    expect(bugs).toEqual([]);
    expect(readdirSync(root).sort()).toEqual(before);
    expect(readdirSync(outside).sort()).toEqual(['1.dng', 'keep.txt']);
    expect(readFileSync(path.join(outside, 'keep.txt'), 'utf8')).toBe('kept');
  });

  it('answers every call through the socket too, between messages that are none', async () => {
    const host = await HeadlessHost.listen(app, { port: 0, pageFolder: path.join(root, 'page') });
    const socket = openSocket(host.address, await openSession(host.address));
    await new Promise((resolve) => socket.once('open', resolve));
    const settle = new Map<number, (code: string) => void>();
    socket.on('message', (data: Buffer) => {
      const message = toCallerSchema.parse(JSON.parse(data.toString()));
      if (message.kind === 'reply') settle.get(message.id)?.('reply');
      if (message.kind === 'fail') settle.get(message.id)?.(message.failure.code);
    });
    const noise = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.string(),
      fc.uint8Array({ maxLength: 40 }),
      fc.record({ kind: fc.constantFrom('call', 'cancel', 'x'), id: anything }).map(textOf),
    );
    let nextId = 3_000_000;
    await fc.assert(
      fc.asyncProperty(callName, input, noise, async (name, given, other) => {
        const id = nextId++;
        const call = textOf({ kind: 'call', id, name, input: given ?? null });
        if (call === '') return;
        const answered = new Promise<string>((resolve) => settle.set(id, resolve));
        socket.send(other);
        socket.send(call);
        expect(await answered, call).not.toBe('bug');
      }),
      { numRuns: 400, seed: 5 },
    );
    expect(bugs).toEqual([]);
    expect(readdirSync(outside).sort()).toEqual(['1.dng', 'keep.txt']);
    await host.close();
  });

  it('lets messages fall that are none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (message) => {
        try {
          connection.raw.post(message);
        } catch (error) {
          expect(error).toMatchObject({ name: 'DataCloneError' });
        }
        await Promise.resolve();
      }),
      { numRuns: 300 },
    );
    expect(bugs).toEqual([]);
  });

  it('refuses every path outside by each call that takes one', async () => {
    const again = await connectMemory(app);
    for (const given of [outside, path.join(photos, '..', 'outside'), '/etc', '/']) {
      const asked = [
        again.client.call('library.open', { path: given, subfolders: true }),
        again.client.call('library.browse', { path: given }),
        again.client.call('models.import', { path: path.join(given, '1.dng') }),
        again.client.call('export.start', {
          photos: [ids[0] ?? ''],
          exports: [
            {
              choice: {
                output: { format: 'png', bits: 8 },
                space: 'srgb',
                template: '{name}',
                folder: path.join(given, 'new'),
                onConflict: 'overwrite',
              },
            },
          ],
        }),
      ];
      await Promise.all(
        asked.map((ask) => expect(ask, given).rejects.toMatchObject({ code: 'bad-argument' })),
      );
    }
    expect(existsSync(path.join(outside, 'new'))).toBe(false);
    await again.close();
  });

  it('meets every call with what its own schema lets through, and lets nothing out', async () => {
    const root = temporaryFolder();
    const photos = path.join(root, 'photos');
    const secrets = path.join(root, 'secrets');
    writeSmallDngs(photos, 2);
    writeSmallDngs(secrets, 1);
    // Processes that end at once: this is about the door.
    const dying = (listener: { exit(reason: string): void }) => {
      queueMicrotask(() => {
        listener.exit('at once');
      });
      return { send: () => undefined, kill: () => undefined };
    };
    const { app, bugs } = await startApp(root, {
      spawn: dying,
      spawnTraining: dying,
      spawnSurvey: dying,
    });
    const again = await connectMemory(app);
    await again.client.call('library.open', { path: photos, subfolders: false });
    const known = photoIdOf(path.join(photos, '1.dng'));
    const marker = 'outside-marker.dng';
    renameSync(path.join(secrets, '1.dng'), path.join(secrets, marker));
    // A name that no call is ever given: only a listing could tell it.
    const unnamed = 'never-named.dng';
    copyFileSync(path.join(secrets, marker), path.join(secrets, unnamed));
    const before = snapshot(secrets);
    const words = {
      text: fc.oneof(
        fc.constantFrom(secrets, path.join(secrets, marker), `${photos}/../secrets`),
        fc.constantFrom(photos, path.join(photos, '1.dng'), path.join(photos, 'new')),
        hostilePath,
      ),
      known: [known, 'small', '{name}-bright'],
      anything,
    };
    let nextId = 2_000_000;
    const settle = new Map<number, (answer: string) => void>();
    again.raw.listen((message) => {
      const parsed = toCallerSchema.parse(message);
      if (parsed.kind === 'reply') settle.get(parsed.id)?.(JSON.stringify(parsed.output));
      if (parsed.kind === 'fail') settle.get(parsed.id)?.(parsed.failure.code);
    });
    const replied = new Set<CallName>();
    const sampled = names.filter((name) => name !== 'app.quit' && name !== 'devices.test');
    for (const name of sampled) {
      for (const given of fc.sample(inputsOf(calls[name].input, words), {
        numRuns: 25,
        seed: 11,
      })) {
        const id = nextId++;
        const answered = new Promise<string>((resolve) => settle.set(id, resolve));
        try {
          again.raw.post({ kind: 'call', id, name, input: given });
        } catch (error) {
          expect(error).toMatchObject({ name: 'DataCloneError' });
          continue;
        }
        // What waits for a process that never speaks here is called back.
        const timer = setTimeout(() => {
          again.raw.post({ kind: 'cancel', id });
        }, 1000);
        const answer = await answered;
        clearTimeout(timer);
        if (!/^[a-z-]+$/.test(answer)) replied.add(name);
        expect(answer, `${name} ${JSON.stringify(given)}`).not.toBe('bug');
        expect(answer, `${name} ${JSON.stringify(given)}`).not.toContain(unnamed);
        // The settings answer with their free words, such as the creator's name.
        if (!name.startsWith('settings.'))
          expect(answer, `${name} ${JSON.stringify(given)}`).not.toContain(marker);
      }
    }
    expect(bugs).toEqual([]);
    expect(snapshot(secrets)).toEqual(before);
    // Many were let in: what came of them is what was looked at.
    expect(replied.size).toBeGreaterThan(20);
    await again.close();
    await app.close();
  }, 600_000);

  it('answers every address of pixels, whatever stands in it', async () => {
    const part = fc.oneof(
      fc.constantFrom(
        'tile',
        'thumb',
        'plain',
        'preview',
        'bright',
        '..',
        '%2e%2e',
        'small',
        '1e9',
        '-1',
        '__proto__',
        'constructor',
      ),
      fc.integer().map(String),
      fc.webPath(),
      fc.constant('0'.repeat(24)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        const answer = await app.pixels.handle(
          new Request(`http://127.0.0.1/photo/${parts.join('/')}`),
        );
        expect([404, 422]).toContain(answer.status);
      }),
      { numRuns: 500 },
    );
    expect(bugs).toEqual([]);
  });

  it('reads back every address it builds', () => {
    const photo = 'a1'.repeat(12);
    const index = fc.integer({ min: 0, max: 4095 });
    const tile = fc.record({
      kind: fc.constant('tile' as const),
      photo: fc.constant(photo),
      model: fc.constantFrom('fast', 'night-2'),
      ratio: fc.double({ min: 1, max: 300, noNaN: true }),
      level: fc.integer({ min: 0, max: 15 }),
      x: index,
      y: index,
    });
    fc.assert(
      fc.property(
        tile,
        fc.constantFrom('photo://' as const, '/photo/' as const),
        (pixels, base) => {
          const address = pixelUrl(base, pixels);
          const whole = base === '/photo/' ? `http://127.0.0.1:1234${address}` : address;
          expect(parsePixelUrl(whole)).toEqual(pixels);
        },
      ),
    );
  });
});
