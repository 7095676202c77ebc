/** Ctrl-C as a signal that work can listen to. */

/**
 * A signal aborted by the first SIGINT or SIGTERM; a second one ends the process at once, for
 * whoever does not want to wait until things are put away.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let asked = 0;
  const stop = (): void => {
    asked += 1;
    if (asked > 1) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
