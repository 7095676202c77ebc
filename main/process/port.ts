/** One end of a connection between processes or threads, whatever carries it. */

import type { MessagePort } from 'node:worker_threads';

/**
 * Objects that a message can transfer instead of copying. Only threads can do that; processes copy.
 */
export type Movable = ArrayBuffer | MessagePort;

export interface Port {
  /**
   * Sends a structured-clonable value. It is lost if the other side has just ended.
   * @throws DataCloneError for a value that cannot be cloned
   */
  send(message: unknown, moved?: readonly Movable[]): void;
  /** Ends the other side at once. */
  kill(): void;
}

export interface PortListener {
  /** Receives any value, because the sender may be broken. */
  readonly receive: (message: unknown) => void;
  /**
   * The other side is gone; nothing follows.
   * @param reason completes "the engine ended …", such as `by SIGKILL`
   * @param cause what it threw, where that is known
   */
  readonly exit: (reason: string, cause?: unknown) => void;
}

/** Starts the other side, or connects to it. Does not call the listener before returning. */
export type Connect = (listener: PortListener) => Port;
