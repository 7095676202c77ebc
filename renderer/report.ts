/** Sends errors of the page to the log file. */

import { reportCharactersMax } from '../preload/contract/app.ts';
import type { Client } from '../preload/contract/wire.ts';

/** Limit, so that an error in every frame does not fill the log. */
const reportsMax = 20;

/** From now on, sends uncaught errors of the page to the main process. */
export function reportErrors(client: Client): void {
  let reports = 0;
  const report = (error: unknown, where: string): void => {
    reports += 1;
    if (reports > reportsMax) return;
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const stack = `${where}: ${words}`.slice(0, reportCharactersMax);
    client.call('app.report', { stack }).catch(() => undefined);
  };
  window.addEventListener('error', ({ error, message }) => {
    report(error ?? message, 'uncaught');
  });
  window.addEventListener('unhandledrejection', ({ reason }) => {
    report(reason, 'unhandled rejection');
  });
}
