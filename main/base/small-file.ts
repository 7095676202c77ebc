/** Reads small files that others may have replaced by something else: a pipe, a device, or gigabytes. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * @param bytesMax larger files are not read
 * @returns undefined if the file is too large, or is no regular file
 * @throws the system's error if there is none, or it cannot be read
 */
export async function readSmallFile(file: string, bytesMax: number): Promise<Buffer | undefined> {
  // Opening a pipe would wait for somebody to write into it. Windows has no such flag, nor such pipes.
  const isWindows = process.platform === 'win32';
  const flags = isWindows ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK;
  const handle = await open(file, flags);
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > bytesMax) return undefined;
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
