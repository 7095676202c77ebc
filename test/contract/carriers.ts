/** The app with a small network, and a client of it over each carrier there is here. */

import path from 'node:path';

import WebSocket from 'ws';
import { z } from 'zod';

import { App, type Host } from '../../main/app/app.ts';
import { Caller } from '../../main/app/caller.ts';
import { handlersOf } from '../../main/app/handlers.ts';
import { HeadlessHost } from '../../main/app/headless.ts';
import { jsonSettingsFile } from '../../main/app/settings.ts';
import { sessionEndedCode, wireProtocol } from '../../preload/contract/sessions.ts';
import { Client, type ClosedBecause, type Wire } from '../../preload/contract/wire.ts';
import { writeSmallModel } from '../engine/small.ts';

export interface TestApp {
  readonly app: App;
  /** Errors that no user can mend; a test that expects none looks here. */
  readonly bugs: unknown[];
  readonly quits: { count: number };
}

/** An app whose data, models and photos lie under one folder. */
export async function startApp(root: string, changes: Partial<Host> = {}): Promise<TestApp> {
  const bugs: unknown[] = [];
  const quits = { count: 0 };
  const modelsFolder = path.join(root, 'models');
  writeSmallModel(modelsFolder);
  const folder = path.join(root, 'data');
  const app = await App.start({
    kind: 'headless',
    folder,
    settingsFile: jsonSettingsFile(folder),
    roots: [path.join(root, 'photos')],
    modelsFolder,
    onBug: (error) => bugs.push(error),
    quit: () => {
      quits.count += 1;
    },
    ...changes,
  });
  await app.settings.write({ model: 'small', device: 'cpu', threads: 1 });
  return { app, bugs, quits };
}

export interface Connection {
  readonly client: Client;
  /** Sends what no client would. */
  readonly raw: Wire;
  close(): Promise<void>;
}

export type Connect = (app: App) => Promise<Connection>;

/** In memory, through `structuredClone`: what IPC cannot carry fails here too. */
export const connectMemory: Connect = (app) => {
  let deliver: ((message: unknown) => void) | undefined;
  let closed: ((why: ClosedBecause) => void) | undefined;
  const caller = new Caller({
    handlers: handlersOf(app),
    events: app.events,
    onBug: app.host.onBug,
    post: (message) => {
      const copy: unknown = structuredClone(message);
      queueMicrotask(() => deliver?.(copy));
    },
  });
  const wire: Wire = {
    post: (message) => {
      const copy: unknown = structuredClone(message);
      queueMicrotask(() => {
        caller.receive(copy);
      });
    },
    listen: (receive) => {
      deliver = receive;
    },
    onClose: (listener) => {
      closed = listener;
    },
  };
  return Promise.resolve({
    client: new Client(wire),
    raw: wire,
    close: () => {
      caller.close();
      closed?.('gone');
      return Promise.resolve();
    },
  });
};

/** What a browser would do with the address that the host prints. @returns the session's secret */
export async function openSession(address: string): Promise<string> {
  const { origin, hash } = new URL(address);
  const answer = await fetch(`${origin}/session`, {
    method: 'POST',
    body: hash.slice(1),
    headers: { origin },
  });
  if (!answer.ok) throw new Error(`expected a session but the host answered ${answer.status}`);
  return answerSchema.parse(await answer.json()).secret;
}

const answerSchema = z.object({ secret: z.string() });

/** A window's socket, as its own page would open it. */
export function openSocket(address: string, secret: string): WebSocket {
  const { origin } = new URL(address);
  return new WebSocket(`${origin.replace('http', 'ws')}/wire`, [wireProtocol, secret], {
    headers: { origin },
  });
}

/** Over a socket that is open. */
export function socketWire(socket: WebSocket): Wire {
  return {
    post: (message) => {
      socket.send(JSON.stringify(message));
    },
    listen: (receive) => {
      socket.on('message', (data: Buffer) => {
        const message: unknown = JSON.parse(data.toString());
        receive(message);
      });
    },
    onClose: (closed) => {
      socket.once('close', (code) => {
        closed(code === sessionEndedCode ? 'ended' : 'gone');
      });
    },
  };
}

export const connectSocket: Connect = async (app) => {
  const host = await HeadlessHost.listen(app, {
    port: 0,
    pageFolder: path.join(app.host.folder, 'page'),
  });
  const socket = openSocket(host.address, await openSession(host.address));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const wire = socketWire(socket);
  return { client: new Client(wire), raw: wire, close: () => host.close() };
};

/** Waits for something that events bring about. */
export async function until<T>(look: () => T | undefined | false, whatFor: string): Promise<T> {
  // A busy machine takes a minute for what a quiet one does in ten seconds.
  const endMs = performance.now() + 150_000;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`waited in vain for ${whatFor}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
