/**
 * The app for a browser on this computer: its page, its calls and its pixels over loopback HTTP, for
 * whoever holds the one-time token, and for nobody else on this computer or in another page.
 */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Duplex } from 'node:stream';
import { readFile } from 'node:fs/promises';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { App } from './app.ts';
import { Caller, type Handlers } from './caller.ts';
import { handlersOf } from './handlers.ts';
import { Refusal } from '../base/refusal.ts';

export interface HeadlessOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** The built window: `npm run build`'s out/renderer. */
  readonly pageFolder: string;
}

/** Largest message of a window: a hundred thousand photo ids. */
const messageBytesMax = 8e6;

const types = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.ico', 'image/x-icon'],
  ['.woff2', 'font/woff2'],
  ['.json', 'application/json'],
]);

/** An app that is served. */
export class HeadlessHost {
  readonly #app: App;
  readonly #handlers: Handlers;
  readonly #pageFolder: string;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax });
  readonly #sessions = new Set<string>();
  #token: string | undefined = randomBytes(32).toString('hex');
  #port = 0;

  private constructor(app: App, pageFolder: string) {
    this.#app = app;
    this.#handlers = handlersOf(app);
    this.#pageFolder = pageFolder;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        app.host.onBug(error);
        response.destroy();
      });
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.#upgrade(request, socket, head);
    });
  }

  /** @throws Refusal `bad-argument` if the port is taken */
  static async listen(app: App, { port, pageFolder }: HeadlessOptions): Promise<HeadlessHost> {
    const host = new HeadlessHost(app, pageFolder);
    await new Promise<void>((resolve, reject) => {
      host.#server.once('error', (error) => {
        reject(new Refusal('bad-argument', `cannot listen on port ${port}: ${error.message}`));
      });
      host.#server.listen(port, '127.0.0.1', resolve);
    });
    host.#port = addressOf(host.#server).port;
    return host;
  }

  get port(): number {
    return this.#port;
  }

  /** To be opened once; its token is spent by the first page that shows it. */
  get address(): string {
    return `http://127.0.0.1:${this.#port}/#${this.#token ?? ''}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    secure(response, this.#port);
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (!this.#isOwnHost(request)) {
      end(response, 421);
    } else if (pathname === '/session') {
      await this.#openSession(request, response);
    } else if (pathname.startsWith('/photo/')) {
      if (!this.#hasSession(request) || !this.#isOwnPage(request)) end(response, 403);
      else await this.#pixels(request, response);
    } else if (request.method === 'GET' || request.method === 'HEAD') {
      await this.#page(pathname, request, response);
    } else {
      end(response, 405);
    }
  }

  /** A name that resolves to this computer but is not its own is another page's trick. */
  #isOwnHost({ headers }: IncomingMessage): boolean {
    return headers.host === `127.0.0.1:${this.#port}` || headers.host === `localhost:${this.#port}`;
  }

  /** Requests that a page sends across origins carry its name, or say so themselves. */
  #isOwnPage({ headers }: IncomingMessage): boolean {
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
    return headers.origin === undefined || headers.origin === `http://${headers.host ?? ''}`;
  }

  #hasSession({ headers }: IncomingMessage): boolean {
    const prefix = `${this.#cookieName}=`;
    const cookies = (headers.cookie ?? '').split(/;\s*/);
    return cookies.some(
      (cookie) => cookie.startsWith(prefix) && this.#sessions.has(cookie.slice(prefix.length)),
    );
  }

  /** Cookies of one address are shared by all its ports. */
  get #cookieName(): string {
    return `nightglass-${this.#port}`;
  }

  async #openSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (
      request.method !== 'POST' ||
      request.headers.origin === undefined ||
      !this.#isOwnPage(request)
    ) {
      end(response, 403);
      return;
    }
    const given = await shortBody(request);
    const token = this.#token;
    if (token === undefined || given === undefined || !isSame(given, token)) {
      end(response, 403);
      return;
    }
    this.#token = undefined;
    const session = randomBytes(32).toString('hex');
    this.#sessions.add(session);
    response.setHeader(
      'set-cookie',
      `${this.#cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/`,
    );
    end(response, 204);
  }

  async #pixels(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const controller = new AbortController();
    response.on('close', () => {
      controller.abort();
    });
    const method = request.method ?? 'GET';
    const url = `http://127.0.0.1:${this.#port}${request.url ?? '/'}`;
    const answer = await this.#app.pixels.handle(
      new Request(url, { method, signal: controller.signal }),
    );
    if (response.destroyed) return;
    response.statusCode = answer.status;
    answer.headers.forEach((value, name) => {
      response.setHeader(name, value);
    });
    const body = Buffer.from(await answer.arrayBuffer());
    response.setHeader('content-length', body.length);
    // A window that has scrolled on takes no more; that is no error.
    await pipeline(Readable.from([body]), response).catch(() => undefined);
  }

  async #page(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = pathname === '/' ? 'index.html' : safeName(pathname);
    const file = name === undefined ? undefined : path.join(this.#pageFolder, name);
    const type = file === undefined ? undefined : types.get(path.extname(file));
    const bytes =
      file === undefined || type === undefined
        ? undefined
        : await readFile(file).catch(() => undefined);
    if (bytes === undefined || type === undefined) {
      end(response, 404);
      return;
    }
    response.setHeader('content-type', type);
    response.setHeader('cache-control', 'no-cache');
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const isOwn =
      this.#isOwnHost(request) && request.headers.origin !== undefined && this.#isOwnPage(request);
    if (pathname !== '/wire' || !isOwn || !this.#hasSession(request)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      this.#serve(client);
    });
  }

  #serve(socket: WebSocket): void {
    const { events, host } = this.#app;
    const caller = new Caller({
      handlers: this.#handlers,
      events,
      onBug: host.onBug,
      post: (message) => {
        if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
      },
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary) caller.receive(parse(textOf(data)));
    });
    socket.on('close', () => {
      caller.close();
    });
    socket.on('error', () => {
      socket.terminate();
    });
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address;
}

/** What the page may do: its own files, pixels and wire, and nothing of anybody else. */
function secure(response: ServerResponse, port: number): void {
  const own = `ws://127.0.0.1:${port} ws://localhost:${port}`;
  response.setHeader(
    'content-security-policy',
    `default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self' ${own}; font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('permissions-policy', 'camera=(), microphone=(), geolocation=(), usb=()');
}

function end(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end();
}

/** Page files are in one folder and one below it, with plain names. */
function safeName(pathname: string): string | undefined {
  return /^\/(?:[\w-]+\/)?[\w-][\w.-]*$/.test(pathname) ? pathname.slice(1) : undefined;
}

async function shortBody(request: IncomingMessage): Promise<string | undefined> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > 200) return undefined;
  }
  return body;
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

/** What is no JSON is no message. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
