/** One end of a wire between processes or threads, whatever carries it. */

import type { MessagePort } from 'node:worker_threads';

/** What a message may hand over instead of copying it. Only threads can; processes copy. */
export type Movable = ArrayBuffer | MessagePort;

export interface Port {
  /**
   * Posts a structured-clonable value. One for a process that just ended is lost.
   * @throws DataCloneError for a value that cannot be cloned
   */
  send(message: unknown, moved?: readonly Movable[]): void;
  /** Ends the other side at once. */
  kill(): void;
}

export interface PortListener {
  /** Anything at all: the sender may be broken. */
  readonly receive: (message: unknown) => void;
  /**
   * The other side is gone; nothing follows.
   * @param reason completes "the engine ended …", such as `by SIGKILL`
   * @param cause what it threw, where that is known
   */
  readonly exit: (reason: string, cause?: unknown) => void;
}

/** Starts the other side, or joins it. Does not call the listener before it returns. */
export type Connect = (listener: PortListener) => Port;
