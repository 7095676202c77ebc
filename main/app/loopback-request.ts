/**
 * Reads what a request to the loopback host says of itself, trusting none of it, and refuses what it
 * may not have. Nothing here throws, whatever the bytes are.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { wireProtocol } from '../../preload/contract/sessions.ts';

const secretPattern = /^[0-9a-f]{64}$/;

/** Longest target of ours: a tile's address has less than 200 characters. */
const targetCharsMax = 2000;

/** @returns the path of an origin-form target without its query; undefined for any other target */
export function pathOf({ url = '' }: IncomingMessage): string | undefined {
  if (url.length > targetCharsMax || !/^\/[\x21-\x7e]*$/.test(url)) return undefined;
  const [path] = url.split('?', 1);
  return path;
}

/** A page whose name was made to resolve to this computer sends that name (DNS rebinding). */
export function isOwnHost({ headers }: IncomingMessage, port: number): boolean {
  return headers.host === `127.0.0.1:${port}` || headers.host === `localhost:${port}`;
}

/** Browsers say so when a page of another origin asks. */
export function isOwnPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return headers.origin === undefined || headers.origin === `http://${headers.host ?? ''}`;
}

/** The session's secret, as fetched pixels show it. */
export function bearerOf({ headers }: IncomingMessage): string | undefined {
  const [scheme, secret = ''] = (headers.authorization ?? '').split(' ');
  return scheme === 'Bearer' && secretPattern.test(secret) ? secret : undefined;
}

/** The session's secret, as the socket shows it: a page cannot set its other headers. */
export function offeredSecretOf({ headers }: IncomingMessage): string | undefined {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  if (!offered.includes(wireProtocol)) return undefined;
  return offered.find((one) => secretPattern.test(one));
}

/** @returns undefined for a longer one than any that we ask for */
export async function shortBody(request: IncomingMessage): Promise<string | undefined> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > 200) return undefined;
  }
  return body;
}

/** What the page may do: its own files, pixels and wire, and nothing of anybody else. */
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

/** Ends a socket that wanted to become a WebSocket; its other end may have gone already. */
export function refuseUpgrade(socket: Duplex, status: '400 Bad Request' | '403 Forbidden'): void {
  socket.once('finish', () => {
    socket.destroy();
  });
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
