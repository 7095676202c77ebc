/** Errors that a user can fix, with a clear message instead of a stack. */

export type RefusalCode =
  | 'bad-argument'
  /** Frames that cannot be merged. */
  | 'burst'
  | 'cancelled'
  | 'damaged-file'
  | 'disk'
  | 'model'
  | 'out-of-memory'
  | 'device'
  | 'dataset'
  | 'unsupported-file';

/**
 * An error that the user can fix. The message is one line and says what was expected, the name of
 * the thing, and what came instead. Every other error is a bug and keeps its stack.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** Whether the next file would fail in the same way, for example because the disk is full. */
  readonly isLasting: boolean;

  constructor(code: RefusalCode, message: string, options: RefusalOptions = {}) {
    super(message, options);
    this.code = code;
    this.isLasting = options.isLasting ?? false;
  }

  /** The same with another message. */
  saying(message: string): Refusal {
    return new Refusal(this.code, message, { cause: this, isLasting: this.isLasting });
  }
}

interface RefusalOptions extends ErrorOptions {
  readonly isLasting?: boolean;
}

/** A one-line description of any thrown value. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, ' ').trim() || 'unknown error';
}

/**
 * Throws the cancellation as a Refusal if the signal is aborted.
 * @throws Refusal `cancelled`
 */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new Refusal('cancelled', 'cancelled');
}
