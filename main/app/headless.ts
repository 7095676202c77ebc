/**
 * Serves the app to a browser on this computer: its page, its calls and its pixels, over loopback
 * HTTP. Only windows that came in by a one-time link are served, not other users or other pages.
 * The reasons for this design are in docs/decisions/2026-11-28-sessions-of-the-served-app.md.
 */

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
import {
  bearerOf,
  end,
  isOwnHost,
  isOwnPage,
  offeredSecretOf,
  pathOf,
  refuseUpgrade,
  secure,
  shortBody,
} from './loopback-request.ts';
import { sessionHandlersOf } from './session-handlers.ts';
import { Sessions, type Session } from './sessions.ts';
import { parseShallowJson } from '../base/shallow-json.ts';
import { sessionEndedCode, wireProtocol } from '../../preload/contract/sessions.ts';

export interface HeadlessOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** The built window: `npm run build`'s out/renderer. */
  readonly pageFolder: string;
  /** Called with a description when a window comes in: "Chromium 156 on Linux". */
  readonly onEnter?: ((agent: string) => void) | undefined;
  /** Time a client has to send a request's headers. */
  readonly headersTimeoutMs?: number | undefined;
}

/** An address that lets one window in, once. */
export interface LinkAddress {
  readonly address: string;
  /** Resolves when the address no longer works, used or not. */
  readonly spent: Promise<void>;
}

/** Largest message of a window: a hundred thousand photo ids. */
const messageBytesMax = 8e6;
/** A window that stops reading is disconnected at this many unsent bytes. */
const unsentBytesMax = 64e6;
/** A window has six connections and its socket, and there may be several windows. */
const connectionsMax = 200;
const headerBytesMax = 8192;
const bodyTimeoutMs = 30_000;
/** Limit for a client that does not read the page it asked for. */
const pageTimeoutMs = 30_000;
/** Time for an ended window to close its own socket. */
const closeTimeoutMs = 1000;

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

/** The app while it is served. */
export class HeadlessHost {
  readonly #app: App;
  readonly #handlers: Handlers;
  readonly #pageFolder: string;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    handleProtocols: () => wireProtocol,
  });
  readonly #sessions: Sessions;
  readonly #onEnter: (agent: string) => void;
  #port = 0;
  #address = '';

  private constructor(app: App, options: HeadlessOptions) {
    this.#app = app;
    this.#handlers = handlersOf(app);
    this.#pageFolder = options.pageFolder;
    this.#onEnter = options.onEnter ?? (() => undefined);
    this.#sessions = new Sessions(() => {
      app.events.emit('sessions.changed', { sessions: this.#sessions.list });
    });
    const limits = {
      maxHeaderSize: headerBytesMax,
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: bodyTimeoutMs,
      connectionsCheckingInterval: 1000,
    };
    this.#server = createServer(limits, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        // A client that disconnects in the middle is not a bug of ours.
        if (!request.destroyed || request.complete) app.host.onBug(error);
        if (response.headersSent) response.destroy();
        else end(response, 500, 'the app failed to answer; its log says why');
      });
    });
    this.#server.maxConnections = connectionsMax;
    this.#server.on('upgrade', (request, socket, head) => {
      // Node has removed its own listeners by now, and an unhandled error would end the process.
      socket.on('error', () => {
        socket.destroy();
      });
      try {
        this.#upgrade(request, socket, head);
      } catch (error) {
        app.host.onBug(error);
        socket.destroy();
      }
    });
  }

  /** @throws Refusal `bad-argument` if the port is taken */
  static async listen(app: App, options: HeadlessOptions): Promise<HeadlessHost> {
    const host = new HeadlessHost(app, options);
    const server = host.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(
          new Refusal('bad-argument', `cannot listen on port ${options.port}: ${error.message}`),
        );
      });
      server.listen(options.port, '127.0.0.1', resolve);
    });
    // Connections that cannot be accepted, for example for lack of file descriptors.
    server.on('error', app.host.onBug);
    host.#port = addressOf(server).port;
    host.#address = host.newLink().address;
    return host;
  }

  get port(): number {
    return this.#port;
  }

  /** The address with the first link. */
  get address(): string {
    return this.#address;
  }

  /** Makes another link; earlier ones stay valid. */
  newLink(): LinkAddress {
    const { token, spent } = this.#sessions.newLink();
    return { address: `http://127.0.0.1:${this.#port}/#${token}`, spent };
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
    const pathname = pathOf(request);
    if (pathname === undefined) {
      end(response, 400, 'expected a path that begins with one / and has no spaces');
    } else if (!isOwnHost(request, this.#port)) {
      end(response, 421, `expected 127.0.0.1:${this.#port} as the host`);
    } else if (pathname === '/session') {
      await this.#enter(request, response);
    } else if (pathname.startsWith('/photo/')) {
      const session = this.#sessions.find(bearerOf(request));
      if (session === undefined || !isOwnPage(request)) end(response, 403);
      else if (request.method === 'GET') await this.#pixels(request, response, session);
      else end(response, 405);
    } else if (request.method === 'GET' || request.method === 'HEAD') {
      await this.#page(pathname, request, response);
    } else {
      end(response, 405);
    }
  }

  /** Exchanges a link's token for a session's secret, which only the requesting page can read. */
  async #enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isPost = request.method === 'POST' && request.headers.origin !== undefined;
    if (!isPost || !isOwnPage(request)) {
      end(response, 403);
      return;
    }
    const token = await shortBody(request);
    const entered =
      token === undefined ? undefined : this.#sessions.enter(token, request.headers['user-agent']);
    if (entered === undefined) {
      end(response, 403);
      return;
    }
    const { agent, secret } = entered;
    this.#onEnter(agent);
    response.setHeader('content-type', 'application/json');
    response.setHeader('cache-control', 'no-store');
    response.end(JSON.stringify({ secret }));
  }

  async #pixels(
    request: IncomingMessage,
    response: ServerResponse,
    { ended }: Session,
  ): Promise<void> {
    const closing = new AbortController();
    response.on('close', () => {
      closing.abort();
    });
    const signal = AbortSignal.any([closing.signal, ended]);
    const url = `http://127.0.0.1:${this.#port}${request.url ?? '/'}`;
    const answer = await this.#app.pixels.handle(new Request(url, { signal }));
    if (response.destroyed) return;
    if (ended.aborted) {
      end(response, 403);
      return;
    }
    response.statusCode = answer.status;
    answer.headers.forEach((value, name) => {
      response.setHeader(name, value);
    });
    const body = Buffer.from(await answer.arrayBuffer());
    response.setHeader('content-length', body.length);
    // A window that has scrolled on aborts the request; that is no error.
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
    response.setTimeout(pageTimeoutMs, () => {
      response.destroy();
    });
    response.setHeader('content-type', type);
    response.setHeader('cache-control', 'no-cache');
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const pathname = pathOf(request);
    if (pathname === undefined) {
      refuseUpgrade(socket, '400 Bad Request');
      return;
    }
    const isOwn =
      isOwnHost(request, this.#port) && request.headers.origin !== undefined && isOwnPage(request);
    const session = this.#sessions.find(offeredSecretOf(request));
    if (pathname !== '/wire' || !isOwn || session === undefined) {
      refuseUpgrade(socket, '403 Forbidden');
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      this.#serve(client, session);
    });
  }

  #serve(socket: WebSocket, session: Session): void {
    const { events, host } = this.#app;
    const newLink = (): string => this.newLink().address;
    const own = sessionHandlersOf({ sessions: this.#sessions, own: session.id, newLink });
    const caller = new Caller({
      handlers: { ...this.#handlers, ...own },
      events,
      onBug: host.onBug,
      post: (message) => {
        if (socket.readyState !== socket.OPEN) return;
        if (socket.bufferedAmount > unsentBytesMax) socket.terminate();
        else socket.send(JSON.stringify(message));
      },
    });
    const putOut = (): void => {
      caller.close();
      socket.close(sessionEndedCode);
      setTimeout(() => {
        socket.terminate();
      }, closeTimeoutMs).unref();
    };
    const disconnected = this.#sessions.connected(session);
    session.ended.addEventListener('abort', putOut, { once: true });
    socket.on('message', (data, isBinary) => {
      if (isBinary) return;
      try {
        caller.receive(parseShallowJson(textOf(data)));
      } catch (error) {
        host.onBug(error);
        socket.terminate();
      }
    });
    socket.on('close', () => {
      session.ended.removeEventListener('abort', putOut);
      caller.close();
      disconnected();
    });
    // After invalid frames the socket closes itself.
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

/** Page files have plain names and are in one folder and its subfolders. */
function safeName(pathname: string): string | undefined {
  return /^\/(?:[\w-]+\/)?[\w-][\w.-]*$/.test(pathname) ? pathname.slice(1) : undefined;
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}
