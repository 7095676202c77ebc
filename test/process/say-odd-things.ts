/**
 * Loaded before a child's own program, and into each of its threads: tells whoever started it odd
 * things, again and again, while the program does its work.
 */

import { parentPort } from 'node:worker_threads';
import { oddMessages } from './odd-messages.ts';

function sayAll(): void {
  for (const message of oddMessages) {
    try {
      if (parentPort !== null) parentPort.postMessage(message);
      else process.send?.(message);
    } catch {
      // Some carriers refuse some of them.
    }
  }
}

sayAll();
setInterval(sayAll, 100).unref();
