/** Reads small files, and the starts of large ones, that may have become a pipe, a device, or gigabytes. */

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/**
 * @param bytesMax larger files are not read
 * @returns undefined if the file is too large, or is no regular file
 * @throws the system's error if there is none, or it cannot be read
 */
export function readSmallFile(file: string, bytesMax: number): Promise<Buffer | undefined> {
  return withFile(file, (handle, size) =>
    size > bytesMax ? Promise.resolve(undefined) : handle.readFile(),
  );
}

/**
 * @returns the first `bytes` of a file, or all of a shorter one; undefined if it is no regular file
 * @throws the system's error if there is none, or it cannot be read
 */
export function readStart(file: string, bytes: number): Promise<Buffer | undefined> {
  return withFile(file, async (handle, size) => {
    const start = Buffer.alloc(Math.min(bytes, size));
    const { bytesRead } = await handle.read(start, 0, start.byteLength, 0);
    return start.subarray(0, bytesRead);
  });
}

async function withFile(
  file: string,
  read: (handle: FileHandle, size: number) => Promise<Buffer | undefined>,
): Promise<Buffer | undefined> {
  // Opening a pipe would wait for somebody to write into it.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    return stats.isFile() ? await read(handle, stats.size) : undefined;
  } finally {
    await handle.close();
  }
}
