/** `nightglass serve` lets its owner in again on demand, and says who came in. */

import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { openSession, openSocket, until } from '../contract/carriers.ts';
import { temporaryFolder } from '../engine/small.ts';
import { start } from '../error/program.ts';

it.skipIf(process.platform === 'win32')(
  'prints one more link for each SIGUSR2, and a line for each window that comes in',
  async () => {
    const photos = path.join(temporaryFolder(), 'photos');
    mkdirSync(photos);
    const links: string[] = [];
    const { child, ended } = start(['serve', photos], { onLine: (line) => links.push(line) });
    // The window is built first, where it is not yet.
    await until(() => links.length === 1, 'the first link');
    child.kill('SIGUSR2');
    await until(() => links.length === 2, 'another link');
    const [first = '', second = ''] = links;
    expect(first).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#[0-9a-f]{64}$/);
    expect(second.slice(0, -64)).toBe(first.slice(0, -64));
    expect(second).not.toBe(first);
    // Each opens one window, in any order.
    const secrets = [await openSession(second), await openSession(first)];
    await expect(openSession(first)).rejects.toThrow('403');
    const socket = openSocket(first, secrets[0] ?? '');
    await new Promise((resolve) => socket.once('open', resolve));
    socket.close();
    child.kill('SIGTERM');
    const { stderr } = await ended;
    expect(stderr).toContain(`kill -USR2 ${child.pid ?? 0}`);
    expect(stderr.match(/a window was connected: An unknown program\./g)).toHaveLength(2);
    for (const secret of secrets) expect(stderr).not.toContain(secret);
  },
);
