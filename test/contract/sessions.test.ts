/** The owner of the served app sees which windows are connected, ends them, and gets in again. */

import path from 'node:path';

import type WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { App } from '../../main/app/app.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { photoIdOf } from '../../main/library/photo-id.ts';
import { Sessions } from '../../main/app/sessions.ts';
import type { Session } from '../../preload/contract/sessions.ts';
import { Client } from '../../preload/contract/wire.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { connectMemory, openSession, openSocket, socketWire, startApp } from './carriers.ts';

interface Window {
  readonly client: Client;
  readonly secret: string;
  readonly socket: WebSocket;
  readonly closed: Promise<string>;
}

describe('connected windows', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const thumbnail = `/photo/thumb/${photoIdOf(path.join(photos, '1.dng'))}/a`;
  const entered: string[] = [];
  let app: App;
  let bugs: unknown[];
  let host: HeadlessHost;

  beforeAll(async () => {
    writeSmallDngs(photos, 1);
    ({ app, bugs } = await startApp(root));
    await app.library.open(photos, {
      subfolders: false,
      signal: new AbortController().signal,
      onPhotos: () => undefined,
    });
    host = await HeadlessHost.listen(app, {
      port: 0,
      pageFolder: path.join(root, 'page'),
      onEnter: (agent) => entered.push(agent),
    });
  });

  afterAll(async () => {
    await host.close();
    await app.close();
    expect(bugs).toEqual([]);
  });

  const connect = async (secret: string): Promise<Window> => {
    const socket = openSocket(host.address, secret);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    const client = new Client(socketWire(socket));
    const closed = new Promise<string>((resolve) => {
      client.onClose(resolve);
    });
    return { client, secret, socket, closed };
  };
  const enter = async (address = host.newLink().address): Promise<Window> =>
    connect(await openSession(address));

  const statusOf = async (secret: string): Promise<number> => {
    const headers = { authorization: `Bearer ${secret}` };
    return (await fetch(`http://127.0.0.1:${host.port}${thumbnail}`, { headers })).status;
  };

  it('are listed with what they run in and when they came', async () => {
    const startMs = Date.now();
    const first = await enter(host.address);
    const second = await enter();
    const { own, sessions } = await first.client.call('sessions.read', {});
    expect(sessions).toHaveLength(2);
    expect(sessions[0]?.id).toBe(own);
    expect((await second.client.call('sessions.read', {})).own).toBe(sessions[1]?.id);
    for (const { agent, startedMs, lastSeenMs, isConnected } of sessions) {
      expect(agent).toBe('An unknown program');
      expect(startedMs).toBeGreaterThanOrEqual(startMs);
      expect(lastSeenMs).toBeGreaterThanOrEqual(startedMs);
      expect(isConnected).toBe(true);
    }
    expect(entered).toHaveLength(2);
    expect(JSON.stringify(sessions)).not.toContain(first.secret);

    // A window that is reloaded comes back by its secret, as the same session.
    const changed = new Promise<readonly Session[]>((resolve) => {
      second.client.on('sessions.changed', (event) => {
        resolve(event.sessions);
      });
    });
    first.socket.close();
    expect((await changed).map(({ isConnected }) => isConnected)).toEqual([false, true]);
    const back = await connect(first.secret);
    expect((await back.client.call('sessions.read', {})).own).toBe(own);

    await back.client.call('sessions.endOthers', {});
    expect(await second.closed).toBe('ended');
    back.socket.close();
  });

  it('are ended at once: socket, calls, pixels and the way back', async () => {
    const owner = await enter();
    const thief = await enter();
    const unused = await thief.client.call('sessions.newLink', {});
    expect(await statusOf(thief.secret)).toBe(200);
    const { own } = await thief.client.call('sessions.read', {});
    await owner.client.call('sessions.end', { session: own });
    expect(await thief.closed).toBe('ended');
    await expect(thief.client.call('app.info', {})).rejects.toMatchObject({ code: 'closed' });
    expect(await statusOf(thief.secret)).toBe(403);
    await expect(connect(thief.secret)).rejects.toThrow('403');
    // A link that the thief made for later is void, and so is every other that nobody used.
    await expect(openSession(unused.address)).rejects.toThrow('403');
    expect(await statusOf(owner.secret)).toBe(200);
    await expect(owner.client.call('sessions.end', { session: own })).rejects.toMatchObject({
      code: 'bad-argument',
    });
    owner.socket.close();
  });

  it('may be many in one session, and all of them end with it', async () => {
    const owner = await enter();
    const tab = await enter();
    const twin = await connect(tab.secret);
    const { own } = await twin.client.call('sessions.read', {});
    await owner.client.call('sessions.end', { session: own });
    expect(await Promise.all([tab.closed, twin.closed])).toEqual(['ended', 'ended']);
    owner.socket.close();
  });

  it('ends pixels that are under way', async () => {
    const owner = await enter();
    const thief = await enter();
    const { own } = await thief.client.call('sessions.read', {});
    const [status] = await Promise.all([
      statusOf(thief.secret),
      owner.client.call('sessions.end', { session: own }),
    ]);
    // Answered before it was ended, or refused.
    expect([200, 403]).toContain(status);
    expect(await statusOf(thief.secret)).toBe(403);
    owner.socket.close();
  });

  it('come in by a link of another window, once', async () => {
    const first = await enter();
    const { address } = await first.client.call('sessions.newLink', {});
    const second = await enter(address);
    expect((await second.client.call('app.info', {})).host).toBe('headless');
    await expect(openSession(address)).rejects.toThrow('403');
    await first.client.call('sessions.endOthers', {});
    first.socket.close();
  });

  it('are none of an app that is not served', async () => {
    const memory = await connectMemory(app);
    for (const name of ['sessions.read', 'sessions.endOthers', 'sessions.newLink'] as const) {
      await expect(memory.client.call(name, {})).rejects.toMatchObject({ code: 'bad-argument' });
    }
    await memory.close();
  });
});

describe('sessions', () => {
  const enter = (sessions: Sessions, userAgent?: string): string =>
    sessions.enter(sessions.newLink().token, userAgent)?.secret ?? '';

  it('say what a browser is in words of their own, whatever it says of itself', () => {
    const sessions = new Sessions(() => undefined);
    const agents = [
      ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36', 'Chromium 156 on Linux'],
      ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0', 'Edge 150 on Windows'],
      ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox 140 on Linux'],
      ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15', 'Safari 18 on macOS'],
      ['\u009b2J\u001b]0;owned\u0007 Firefox/9\u009b1m', 'Firefox 9'],
      ['', 'An unknown program'],
    ]; // prettier-ignore
    for (const [userAgent] of agents) enter(sessions, userAgent);
    expect(sessions.list.map(({ agent }) => agent)).toEqual(agents.map(([, words]) => words));
  });

  it('keep no more links than may be wanted, and spend each once', async () => {
    const sessions = new Sessions(() => undefined);
    const links = Array.from({ length: 10 }, () => sessions.newLink());
    expect(links.map(({ token }) => sessions.enter(token, '') !== undefined)).toEqual([
      ...Array.from({ length: 2 }, () => false),
      ...Array.from({ length: 8 }, () => true),
    ]);
    await Promise.all(links.map(({ spent }) => spent));
    expect(sessions.enter(links[9]?.token ?? '', '')).toBeUndefined();
  });

  it('make room by ending the closed window that was seen longest ago, never a connected one', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const sessions = new Sessions(() => undefined);
    const secrets = Array.from({ length: 32 }, () => {
      vi.advanceTimersByTime(1000);
      return enter(sessions);
    });
    const ids = sessions.list.map(({ id }) => id);
    vi.advanceTimersByTime(1000);
    // Three are connected and one was seen just now: the fifth is the one that makes room.
    const seen = secrets.slice(0, 4).map((secret) => sessions.find(secret));
    for (const session of seen.slice(0, 3)) if (session !== undefined) sessions.connected(session);
    const fifth = ids[4];
    enter(sessions);
    vi.useRealTimers();
    expect(sessions.list).toHaveLength(32);
    expect(ids.filter((id) => !sessions.list.some((one) => one.id === id))).toEqual([fifth]);
    expect(seen.map((session) => session?.ended.aborted)).toEqual([false, false, false, false]);
    for (const { id } of sessions.list) sessions.connected({ id, ended: AbortSignal.any([]) });
    const { token } = sessions.newLink();
    expect(sessions.enter(token, '')).toBeUndefined();
    sessions.end(sessions.list[0]?.id ?? '');
    // The link is void now, and a new one finds room.
    expect(sessions.enter(token, '')).toBeUndefined();
    expect(enter(sessions)).toMatch(/^[0-9a-f]{64}$/);
  });
});
