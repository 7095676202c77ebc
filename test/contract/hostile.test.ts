/** Whatever bytes a program sends to the loopback host, the host goes on serving its own window. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';

import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { App } from '../../main/app/app.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { wireProtocol } from '../../preload/contract/sessions.ts';
import { Client } from '../../preload/contract/wire.ts';
import { temporaryFolder } from '../engine/small.ts';
import { openSession, openSocket, socketWire, startApp } from './carriers.ts';

const headersTimeoutMs = 1000;

describe('a hostile neighbour of the loopback host', () => {
  const root = temporaryFolder();
  const pageFolder = path.join(root, 'page');
  let app: App;
  let bugs: unknown[];
  let host: HeadlessHost;
  let secret: string;
  let client: Client;

  beforeAll(async () => {
    mkdirSync(pageFolder, { recursive: true });
    writeFileSync(path.join(pageFolder, 'index.html'), '<!doctype html><title>page</title>');
    ({ app, bugs } = await startApp(root));
    host = await HeadlessHost.listen(app, { port: 0, pageFolder, headersTimeoutMs });
    secret = await openSession(host.address);
    const socket = openSocket(host.address, secret);
    await new Promise((resolve) => socket.once('open', resolve));
    client = new Client(socketWire(socket));
  });

  afterAll(async () => {
    await host.close();
    await app.close();
  });

  /** The window that was there before still has its app, and a page can still be had. */
  afterEach(async () => {
    expect((await client.call('app.info', {})).host).toBe('headless');
    const origin = `http://127.0.0.1:${host.port}`;
    expect((await fetch(origin)).status).toBe(200);
    expect(bugs).toEqual([]);
  });

  const own = (): string => `host: 127.0.0.1:${host.port}\r\n`;
  const upgrade = (): string =>
    `${own()}origin: http://127.0.0.1:${host.port}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`;
  const offering = (): string =>
    `GET /wire HTTP/1.1\r\n${upgrade()}sec-websocket-protocol: ${wireProtocol}, ${secret}\r\n\r\n`;

  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(host.port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });

  /**
   * Sends bytes and waits until the host has closed the connection.
   * @param isAll says that nothing more will come
   * @returns the first line of its answer
   */
  const say = async (bytes: string | Uint8Array, isAll = false): Promise<string> => {
    const socket = await open();
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    if (isAll) socket.end(bytes);
    else socket.write(bytes);
    await closed;
    return text.split('\r\n', 1)[0] ?? '';
  };

  const targets = [
    '//',
    '///',
    '//[',
    'http://[',
    'http://[::1',
    'http://evil.example/wire',
    'ws://127.0.0.1/wire',
    '*',
    '\\',
    '/\\',
    '/%',
    '/%00',
    '/wire%',
    '/../wire',
    '/wire//',
    '?',
    `/${'a'.repeat(6000)}`,
  ];

  it('is refused an upgrade for every odd target, and ends only its own socket', async () => {
    for (const target of targets) {
      const answer = await say(`GET ${target} HTTP/1.1\r\n${upgrade()}\r\n`);
      expect(answer, target).toMatch(/^HTTP\/1\.1 40[03] /);
    }
  });

  it('is answered 4xx for every odd target of a request, by any method', async () => {
    for (const target of targets) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'TRACE', 'CONNECT']) {
        const answer = await say(
          `${method} ${target} HTTP/1.1\r\n${own()}authorization: Bearer ${secret}\r\nconnection: close\r\n\r\n`,
        );
        // Nothing tunnels here: Node closes a CONNECT without a word.
        if (method === 'CONNECT') expect(answer, target).toMatch(/^$|^HTTP\/1\.1 4/);
        else expect(answer, `${method} ${target}`).toMatch(/^HTTP\/1\.1 4\d\d /);
      }
    }
  });

  it('is answered 4xx for pixels asked by odd methods and targets', async () => {
    for (const target of ['/photo/', '/photo//', '/photo/%zz', '/photo/\\..', '/photo/thumb/%00']) {
      for (const method of ['GET', 'HEAD', 'PUT', 'TRACE', 'PATCH']) {
        const answer = await say(
          `${method} ${target} HTTP/1.1\r\n${own()}authorization: Bearer ${secret}\r\nconnection: close\r\n\r\n`,
        );
        expect(answer, `${method} ${target}`).toMatch(/^HTTP\/1\.1 4\d\d /);
      }
    }
  });

  it('is refused bytes that are no HTTP, and headers without measure', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => `x-${index}: y\r\n`).join('');
    const long = `cookie: ${'a'.repeat(20_000)}\r\n`;
    expect(await say(`GET / HTTP/1.1\r\n${own()}${many}\r\n`)).toMatch(/ 431 /);
    expect(await say(`GET / HTTP/1.1\r\n${own()}${long}\r\n`)).toMatch(/ 431 /);
    expect(await say('GET / HTTP/1.1\r\nhost: \r\nconnection: close\r\n\r\n')).toMatch(/ 4\d\d /);
    expect(await say('GET / HTTP/1.1\r\nconnection: close\r\n\r\n')).toMatch(/ 400 /);
    expect(await say(`GET / HTTP/1.1\r\n${own()}a: \0\r\n\r\n`)).toMatch(/ 400 /);
    expect(
      await say(`GET /wire HTTP/1.1\r\n${own()}upgrade: h2c\r\nconnection: upgrade\r\n\r\n`),
    ).toMatch(/ 40[03] /);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (bytes) => {
        const whole = Buffer.concat([bytes, Buffer.from('\r\n\r\n')]);
        expect(await say(whole, true)).toMatch(/^$|^HTTP\/1\.1 4/);
      }),
      { numRuns: 50, seed: 3 },
    );
  });

  it('resets connections at every moment', async () => {
    const moments = [
      '',
      'GET ',
      `GET / HTTP/1.1\r\n${own()}\r\n`,
      `GET // HTTP/1.1\r\n${upgrade()}\r\n`,
      `GET /wire HTTP/1.1\r\n${upgrade()}\r\n`,
      offering(),
      `${offering()}\x81`,
      `POST /session HTTP/1.1\r\n${own()}origin: http://127.0.0.1:${host.port}\r\ncontent-length: 64\r\n\r\nabc`,
      `GET /photo/thumb/${'0'.repeat(24)}/a HTTP/1.1\r\n${own()}authorization: Bearer ${secret}\r\n\r\n`,
    ];
    for (const bytes of moments) {
      for (const waitMs of [undefined, 0, 5, 30]) {
        const socket = await open();
        if (bytes !== '') socket.write(bytes, 'latin1');
        if (waitMs !== undefined) await new Promise((resolve) => setTimeout(resolve, waitMs));
        socket.resetAndDestroy();
      }
    }
    // What a reset brings about comes a little later.
    await new Promise((resolve) => setTimeout(resolve, 50));
  });

  it('is put out for frames that are none', async () => {
    const frames: readonly (readonly number[])[] = [
      // Without a mask, which every client has to use.
      [0x81, 0x01, 0x61],
      // Reserved bits; a reserved operation; a fragmented ping; a ping that is too long.
      [0xf1, 0x80, 0, 0, 0, 0],
      [0x83, 0x80, 0, 0, 0, 0],
      [0x09, 0x80, 0, 0, 0, 0],
      [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0],
      // A continuation of nothing, a close with half a code, text that is no UTF-8.
      [0x80, 0x80, 0, 0, 0, 0],
      [0x88, 0x81, 0, 0, 0, 0, 3],
      [0x81, 0x81, 0, 0, 0, 0, 0xff],
      // Messages of 2 ^ 62 and of 9 million bytes.
      [0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [0x82, 0xff, 0, 0, 0, 0, 0, 0x89, 0x54, 0x40, 0, 0, 0, 0],
    ];
    for (const frame of frames) {
      const answer = await say(Buffer.concat([Buffer.from(offering()), Buffer.from(frame)]));
      expect(answer, frame.join()).toMatch(/ 101 /);
    }
  });

  it('sends messages that are none through an open socket, and is answered the next', async () => {
    const socket = openSocket(host.address, secret);
    await new Promise((resolve) => socket.once('open', resolve));
    const again = new Client(socketWire(socket));
    const deep = 3_900_000;
    const messages = [
      '',
      '{',
      'null',
      '"\\',
      '[[[[',
      '['.repeat(deep),
      `${'['.repeat(deep)}${']'.repeat(deep)}`,
      `{"kind":"call","id":1,"name":"app.info","input":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}}`,
      '{"kind":"call","id":1e999,"name":"app.info","input":{}}',
      '{"__proto__":{"kind":"call"},"id":1}',
    ];
    for (const message of messages) socket.send(message);
    socket.send(Buffer.from([1, 2, 3]));
    expect((await again.call('app.info', {})).host).toBe('headless');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.send('x'.repeat(8_000_001));
    await closed;
  });

  it('keeps no connection that never says what it wants', async () => {
    const socket = await open();
    const mute = await open();
    const startMs = performance.now();
    socket.write(`GET / HTTP/1.1\r\n${own()}`);
    // A byte now and then does not help.
    const timer = setInterval(() => socket.write('a'), 100);
    await Promise.all(
      [socket, mute].map((one) => {
        one.resume();
        return new Promise((resolve) => one.once('close', resolve));
      }),
    );
    clearInterval(timer);
    expect(performance.now() - startMs).toBeLessThan(headersTimeoutMs + 5000);
  });

  it('opens more connections than there is room for, and those beyond are closed', async () => {
    const sockets = await Promise.all(Array.from({ length: 300 }, open));
    let closed = 0;
    for (const socket of sockets) {
      socket.resume();
      socket.once('close', () => (closed += 1));
    }
    await expect.poll(() => closed, { timeout: 5000 }).toBeGreaterThan(90);
    // The window that is connected is not among them.
    expect((await client.call('app.info', {})).host).toBe('headless');
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(
        async () => (await fetch(`http://127.0.0.1:${host.port}`).catch(() => undefined))?.status,
      )
      .toBe(200);
  });
});
