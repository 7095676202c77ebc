/**
 * The calling side of the contract: calls, progress, cancellation and events over any carrier of
 * messages.
 */

import { z } from 'zod';
import { failureSchema } from './call.ts';
import {
  callSchemas,
  eventSchemas,
  type CallName,
  type EventName,
  type Events,
  type Inputs,
  type Outputs,
  type Progresses,
} from './contract.ts';

/** Why a wire closed: the program ended, or its owner disconnected this window. */
export type ClosedBecause = 'gone' | 'ended';

/** Carries structured-clonable messages both ways; Electron's preload exposes one as `nightglass`. */
export interface Wire {
  post(message: unknown): void;
  /** One listener. */
  listen(receive: (message: unknown) => void): void;
  /** Calls back once, when the other side is gone for good. */
  onClose(closed: (why: ClosedBecause) => void): void;
}

/** Caller → main process. */
export const toMainSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('call'),
    id: z.number().int().nonnegative(),
    name: z.string(),
    input: z.unknown(),
  }),
  z.strictObject({ kind: z.literal('cancel'), id: z.number().int().nonnegative() }),
]);

/** Main process → caller. */
export const toCallerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('progress'), id: z.number(), progress: z.unknown() }),
  z.object({ kind: z.literal('reply'), id: z.number(), output: z.unknown() }),
  z.object({ kind: z.literal('fail'), id: z.number(), failure: failureSchema }),
  z.object({ kind: z.literal('event'), name: z.string(), event: z.unknown() }),
]);

export type ToMain = z.infer<typeof toMainSchema>;
export type ToCaller = z.infer<typeof toCallerSchema>;

/** A call that failed on the other side. `code` is a Refusal's, `cancelled`, `closed` or `bug`. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface CallOptions<N extends CallName> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: Progresses[N]) => void;
}

interface Pending {
  readonly reply: (output: unknown) => void;
  readonly progress: (progress: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** The calling side of a wire. */
export class Client {
  readonly #wire: Wire;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<string, Set<(event: unknown) => void>>();
  readonly #whenClosed: ((why: ClosedBecause) => void)[] = [];
  #nextId = 0;
  #closed: ClosedBecause | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.listen((message) => {
      this.#receive(message);
    });
    wire.onClose((why) => {
      this.#closed = why;
      for (const { fail } of this.#pending.values())
        fail(new CallFailure('closed', 'the app is gone'));
      this.#pending.clear();
      for (const closed of this.#whenClosed) closed(why);
    });
  }

  /** Calls back once when the other side is gone, even if no call was open that could fail. */
  onClose(closed: (why: ClosedBecause) => void): void {
    if (this.#closed !== undefined) closed(this.#closed);
    else this.#whenClosed.push(closed);
  }

  /**
   * @throws CallFailure; `cancelled` at once when the signal is aborted
   * @throws ZodError if the input or the answer does not match the contract
   */
  call<N extends CallName>(
    name: N,
    input: Inputs[N],
    options: CallOptions<N> = {},
  ): Promise<Outputs[N]> {
    const { signal, onProgress } = options;
    const schemas = callSchemas[name];
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) throw new CallFailure('closed', 'the app is gone');
      if (signal?.aborted === true) throw new CallFailure('cancelled', 'cancelled');
      const parsed = schemas.input.parse(input);
      const cancel = (): void => {
        if (!this.#pending.delete(id)) return;
        this.#wire.post({ kind: 'cancel', id } satisfies ToMain);
        reject(new CallFailure('cancelled', 'cancelled'));
      };
      const settle = (): void => {
        signal?.removeEventListener('abort', cancel);
      };
      signal?.addEventListener('abort', cancel, { once: true });
      this.#pending.set(id, {
        reply: (output) => {
          settle();
          const result = schemas.output.safeParse(output);
          if (result.success) resolve(result.data);
          else reject(result.error);
        },
        progress: (progress) => onProgress?.(schemas.progress.parse(progress)),
        fail: (error) => {
          settle();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      });
      this.#wire.post({ kind: 'call', id, name, input: parsed } satisfies ToMain);
    });
  }

  /** @returns a function that stops listening */
  on<N extends EventName>(name: N, listener: (event: Events[N]) => void): () => void {
    const schema = eventSchemas[name];
    const receive = (event: unknown): void => {
      listener(schema.parse(event));
    };
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(receive));
    return () => listeners.delete(receive);
  }

  #receive(unknown: unknown): void {
    const message = toCallerSchema.parse(unknown);
    switch (message.kind) {
      case 'progress':
        this.#pending.get(message.id)?.progress(message.progress);
        break;
      case 'reply':
        this.#take(message.id)?.reply(message.output);
        break;
      case 'fail':
        this.#take(message.id)?.fail(
          new CallFailure(message.failure.code, message.failure.message),
        );
        break;
      case 'event':
        for (const receive of this.#listeners.get(message.name) ?? []) receive(message.event);
        break;
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
