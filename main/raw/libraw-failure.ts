/**
 * Describes LibRaw's failures in words: its C++ exceptions, error codes, and the module's traps.
 */

import { z } from 'zod';

/** LibRaw's exceptions (`LibRaw_exceptions` in libraw_const.h), by number. */
const exceptions = [
  'none',
  'out of memory',
  'decode-raw',
  'damaged JPEG data',
  'unexpected end of the file',
  'damaged data',
  'cancelled',
  'bad crop',
  'bad file',
  'damaged JPEG 2000 data',
  'too big',
  'out of memory pool',
  'unsupported format',
] as const;

export type LibRawFailureKind = 'unsupported' | 'memory' | 'damaged';

/** LibRaw failed or its module trapped; the instance must not be used again. */
export class LibRawFailure extends Error {
  override readonly name = 'LibRawFailure';
  readonly kind: LibRawFailureKind;

  constructor(kind: LibRawFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Error numbers in `open_buffer() failed with code N` (LibRaw_errors in libraw_const.h). */
function fromCode(code: number): LibRawFailure {
  switch (code) {
    case -1:
    case -2:
      return new LibRawFailure('unsupported', 'LibRaw does not know it');
    case -100_007:
    case -100_012:
    case -100_013:
      return new LibRawFailure('memory', 'out of memory');
    case -100_009:
      return new LibRawFailure('damaged', 'its data end or break off where they should not');
    default:
      return new LibRawFailure('damaged', `LibRaw cannot read it (code ${code})`);
  }
}

/** C++ exceptions arrive as objects with the exception's address but no message. */
export function toFailure(error: unknown, memory: WebAssembly.Memory): LibRawFailure {
  const address = z.object({ excPtr: z.int().nonnegative() }).safeParse(error);
  if (address.success) return fromCpp(address.data.excPtr, memory);
  const message = error instanceof Error ? error.message : String(error);
  const kind =
    /memory|Array buffer allocation/i.test(message) && !/out of bounds/i.test(message)
      ? 'memory'
      : 'damaged';
  return new LibRawFailure(kind, `the decoder failed (${message})`, { cause: error });
}

function fromCpp(address: number, memory: WebAssembly.Memory): LibRawFailure {
  const view = new DataView(memory.buffer);
  if (address + 8 > view.byteLength) return new LibRawFailure('damaged', 'the decoder failed');
  const code = view.getUint32(address, true);
  const name = exceptions[code];
  if (name !== undefined) {
    const kind =
      code === 12 ? 'unsupported' : code === 1 || code === 10 || code === 11 ? 'memory' : 'damaged';
    return new LibRawFailure(kind, name);
  }
  // Otherwise it is a std::runtime_error, whose text follows the pointer to its class.
  const textAt = view.getUint32(address + 4, true);
  if (textAt >= view.byteLength) return new LibRawFailure('damaged', 'the decoder failed');
  const bytes = new Uint8Array(Math.min(200, view.byteLength - textAt));
  bytes.set(new Uint8Array(memory.buffer, textAt, bytes.length));
  const text = cString(bytes).replace(/[^ -~]/g, '?');
  if (/bad_alloc/.test(text)) return new LibRawFailure('memory', 'out of memory');
  const failure = /failed with code (-?\d+)/.exec(text);
  return failure === null ? new LibRawFailure('damaged', text) : fromCode(Number(failure[1]));
}

/** A C string's text up to its closing NUL. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
