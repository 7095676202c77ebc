/**
 * Parses the headers of a request to the loopback host without trusting them, and refuses what is
 * not allowed. Nothing here throws, whatever the bytes are.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { wireProtocol } from '../../preload/contract/sessions.ts';

const secretPattern = /^[0-9a-f]{64}$/;

/**
 * Limit for request targets. The longest of ours, a tile's address, has less than 200 characters.
 */
const targetCharsMax = 2000;

/** @returns the path of an origin-form target without its query; undefined for any other target */
export function pathOf({ url = '' }: IncomingMessage): string | undefined {
  if (url.length > targetCharsMax || !/^\/[\x21-\x7e]*$/.test(url)) return undefined;
  const [path] = url.split('?', 1);
  return path;
}

/**
 * A page whose name was made to resolve to this computer (DNS rebinding) sends that name as the
 * host.
 */
export function isOwnHost({ headers }: IncomingMessage, port: number): boolean {
  return headers.host === `127.0.0.1:${port}` || headers.host === `localhost:${port}`;
}

/** Browsers state when a request comes from a page of another origin. */
export function isOwnPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return headers.origin === undefined || headers.origin === `http://${headers.host ?? ''}`;
}

/** The session's secret in a request for pixels. */
export function bearerOf({ headers }: IncomingMessage): string | undefined {
  const [scheme, secret = ''] = (headers.authorization ?? '').split(' ');
  return scheme === 'Bearer' && secretPattern.test(secret) ? secret : undefined;
}

/** The session's secret in a socket's request. Pages cannot set other headers there. */
export function offeredSecretOf({ headers }: IncomingMessage): string | undefined {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  if (!offered.includes(wireProtocol)) return undefined;
  return offered.find((one) => secretPattern.test(one));
}

/** @returns undefined for a body longer than any that we expect */
export async function shortBody(request: IncomingMessage): Promise<string | undefined> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > 200) return undefined;
  }
  return body;
}

/** Restricts the page to its own files, pixels and wire. */
export function secure(response: ServerResponse, port: number): void {
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

export function end(response: ServerResponse, status: number, words = ''): void {
  response.statusCode = status;
  if (words !== '') response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(words);
}

/** Refuses a WebSocket upgrade; the other end may already have disconnected. */
export function refuseUpgrade(socket: Duplex, status: '400 Bad Request' | '403 Forbidden'): void {
  socket.once('finish', () => {
    socket.destroy();
  });
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
