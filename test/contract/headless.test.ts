/** The loopback host lets in the page that has its token, and nobody else. */

import { request } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { App } from '../../main/app/app.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { photoIdOf } from '../../main/library/photo-id.ts';
import { wireProtocol } from '../../preload/contract/sessions.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { openSession, startApp } from './carriers.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

describe('the loopback host', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const pageFolder = path.join(root, 'page');
  let app: App;
  let host: HeadlessHost;
  let origin: string;

  beforeAll(async () => {
    writeSmallDngs(photos, 1);
    mkdirSync(path.join(pageFolder, 'assets'), { recursive: true });
    writeFileSync(path.join(pageFolder, 'index.html'), '<!doctype html><title>page</title>');
    writeFileSync(path.join(pageFolder, 'assets', 'a-1.js'), 'export {};');
    writeFileSync(path.join(root, 'secret.json'), '{}');
    ({ app } = await startApp(root));
    await app.library.open(photos, {
      subfolders: false,
      signal: new AbortController().signal,
      onPhotos: () => undefined,
    });
    host = await HeadlessHost.listen(app, { port: 0, pageFolder });
    origin = `http://127.0.0.1:${host.port}`;
  });

  afterAll(async () => {
    await host.close();
    await app.close();
  });

  /** Unlike `fetch`, sends any header and any path as it is. */
  const ask = (
    way: string,
    headers: Record<string, string> = {},
    method = 'GET',
    body = '',
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: host.port, path: way, method, headers };
      request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      })
        .on('error', reject)
        .end(body);
    });

  const connects = (
    headers: Record<string, string>,
    protocols: readonly string[] = [],
  ): Promise<boolean> =>
    new Promise((resolve) => {
      const address = `ws://127.0.0.1:${host.port}/wire`;
      const socket = new WebSocket(address, [...protocols], { headers });
      socket.once('open', () => {
        socket.close();
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });

  it('serves its page with a strict policy, and no other file', async () => {
    const page = await ask('/');
    expect(page.status).toBe(200);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe-eval');
    expect((await ask('/assets/a-1.js')).headers['content-type']).toMatch(/javascript/);
    for (const way of [
      '/../secret.json',
      '/%2e%2e/secret.json',
      '/assets/../../secret.json',
      '/assets/..%2f..%2fsecret.json',
      '//etc/passwd',
      '/.env',
    ]) {
      expect((await ask(way)).status, way).toBe(404);
    }
    expect((await ask('/', {}, 'POST')).status).toBe(405);
  });

  it('answers only to its own name', async () => {
    expect((await ask('/', { host: 'evil.example' })).status).toBe(421);
    expect((await ask('/', { host: `evil.example:${host.port}` })).status).toBe(421);
    expect((await ask('/', { host: `localhost:${host.port}` })).status).toBe(200);
  });

  it('trades its token once, for its own page only', async () => {
    const token = new URL(host.address).hash.slice(1);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    const pixels = `/photo/thumb/${photoIdOf(path.join(photos, '1.dng'))}/a`;
    expect((await ask(pixels)).status).toBe(403);
    expect(await connects({ origin })).toBe(false);
    expect((await ask('/session', { origin: 'http://evil.example' }, 'POST', token)).status).toBe(
      403,
    );
    expect((await ask('/session', {}, 'POST', token)).status).toBe(403);
    expect((await ask('/session', { origin }, 'POST', '0'.repeat(64))).status).toBe(403);
    expect((await ask('/session', { origin }, 'POST', 'x'.repeat(100_000))).status).toBe(403);

    const secret = await openSession(host.address);
    const authorization = `Bearer ${secret}`;
    const offered = [wireProtocol, secret];
    expect((await ask('/session', { origin }, 'POST', token)).status).toBe(403);
    expect((await ask(pixels, { authorization })).status).toBe(200);
    expect((await ask(pixels, { authorization }, 'POST')).status).toBe(405);
    expect((await ask(pixels, { authorization, origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask(pixels, { authorization, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await ask(pixels, { authorization: authorization.slice(0, -1) })).status).toBe(403);
    expect((await ask(pixels, { authorization: `Bearer ${token}` })).status).toBe(403);
    // A cookie goes to every port: none opens anything.
    expect((await ask(pixels, { cookie: `nightglass-${host.port}=${secret}` })).status).toBe(403);
    expect(await connects({ origin }, offered)).toBe(true);
    expect(await connects({ origin }, [secret, wireProtocol])).toBe(true);
    expect(await connects({}, offered)).toBe(false);
    expect(await connects({ origin }, [secret])).toBe(false);
    expect(await connects({ origin }, [wireProtocol, token])).toBe(false);
    expect(await connects({ origin: 'http://evil.example' }, offered)).toBe(false);
    expect(await connects({ origin, host: 'evil.example' }, offered)).toBe(false);
  });

  it('sets no cookie and lets nothing that holds a secret be kept', async () => {
    const { address } = host.newLink();
    const answer = await fetch(`${origin}/session`, {
      method: 'POST',
      body: new URL(address).hash.slice(1),
      headers: { origin },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await fetch(origin)).headers.getSetCookie()).toEqual([]);
  });
});
