/** Turns Ctrl-C into a signal that work can listen to. */

/**
 * A signal that is aborted by the first SIGINT or SIGTERM, or when our output is no longer read. A
 * second one ends the process at once, for users who don't want to wait for the clean-up.
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
  // The reader of our output is gone ("… | head"), so there is nobody to work for.
  const leave = (): void => {
    controller.abort();
  };
  process.stdout.on('error', leave);
  process.stderr.on('error', leave);
  return controller.signal;
}
