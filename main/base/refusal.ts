/** What a user can mend: a clear message instead of a stack. */

export type RefusalCode =
  | 'bad-argument'
  | 'cancelled'
  | 'damaged-file'
  | 'disk'
  | 'model'
  | 'out-of-memory'
  | 'device'
  | 'dataset'
  | 'unsupported-file';

/**
 * Something the user can mend. The message is one line and says what was expected, the name of the
 * thing, and what came instead. Every other error is a bug and keeps its stack.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One line for a person, whatever was thrown. */
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
