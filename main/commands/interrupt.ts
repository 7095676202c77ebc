/** Ctrl-C as a signal that work can listen to. */

/**
 * A signal aborted by the first SIGINT or SIGTERM, or when nobody reads our output any more; a
 * second one ends the process at once, for whoever does not want to wait until things are put away.
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
  // Whoever read what we say has gone ("… | head"): nobody is left to work for.
  const leave = (): void => {
    controller.abort();
  };
  process.stdout.on('error', leave);
  process.stderr.on('error', leave);
  return controller.signal;
}
