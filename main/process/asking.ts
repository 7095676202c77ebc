/** The asking side of a wire: open requests, and how each ends. */

import type { z } from 'zod';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { complaint, type Call, type Message } from './call.ts';
import { errorOf, failureSchema } from './failure.ts';
import type { Movable } from './port.ts';

/** The other side ended before it answered. */
export class Ended extends Error {
  override readonly name = 'Ended';
  /** Completes "the engine ended …". */
  readonly reason: string;

  constructor(who: string, reason: string, cause?: unknown) {
    super(`${who} ended ${reason}`, { cause });
    this.reason = reason;
  }
}

/** The other side sent something that the call's schema does not know: a bug in it. */
export class OddMessage extends Error {
  override readonly name = 'OddMessage';
}

/** No answer came within the time given. */
export class TooLate extends Error {
  override readonly name = 'TooLate';
}

export interface AskOptions<P> {
  readonly signal?: AbortSignal | undefined;
  /**
   * When cancelled, waits until the other side has stopped. Otherwise the request fails at once.
   */
  readonly waitsForEnd?: boolean;
  readonly onProgress?: ((progress: P) => void) | undefined;
  /** Fails with `TooLate` after this many milliseconds. */
  readonly withinMs?: number;
  readonly move?: readonly Movable[];
}

interface Pending {
  readonly progress: (progress: unknown) => void;
  readonly answer: (output: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** Messages that answer a request. */
export type Reply = Extract<Message, { kind: 'progress' | 'answer' | 'failed' }>;

export class Asking {
  readonly #who: string;
  readonly #send: (message: Message, moved?: readonly Movable[]) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** The reason why nothing can be asked any more. */
  #end: Error | undefined;

  constructor(who: string, send: (message: Message, moved?: readonly Movable[]) => void) {
    this.#who = who;
    this.#send = send;
  }

  /** See `Peer.ask`. */
  async ask<I, O, P>(call: Call<I, O, P>, input: I, options: AskOptions<P> = {}): Promise<O> {
    const { signal, waitsForEnd = false, withinMs, move } = options;
    throwIfCancelled(signal);
    if (this.#end !== undefined) throw this.#end;
    const id = this.#nextId++;
    const cancel = (): void => {
      if (waitsForEnd) this.#cancel(id);
      else this.fail(id, new Refusal('cancelled', 'cancelled'));
    };
    const timer =
      withinMs === undefined
        ? undefined
        : setTimeout(() => {
            this.fail(id, new TooLate(`${this.#who} did not answer within ${withinMs / 1000} s`));
          }, withinMs);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<O>((resolve, reject) => {
        this.#pending.set(id, {
          progress: (value) => {
            if (call.progress === undefined) throw this.#odd(call.name, 'it has no progress');
            options.onProgress?.(this.#parse(call.name, call.progress, value));
          },
          answer: (value) => {
            resolve(this.#parse(call.name, call.output, value));
          },
          fail: reject,
        });
        this.#send({ kind: 'ask', id, name: call.name, input }, move);
      });
    } finally {
      this.#pending.delete(id);
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** A reply to a request that is already settled is dropped. */
  receive(message: Reply): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    try {
      switch (message.kind) {
        case 'progress':
          pending.progress(message.progress);
          break;
        case 'answer':
          pending.answer(message.output);
          this.#pending.delete(message.id);
          break;
        case 'failed':
          pending.fail(errorOf(this.#parse('its failure', failureSchema, message.failure)));
          this.#pending.delete(message.id);
          break;
      }
    } catch (error) {
      this.fail(message.id, error);
    }
  }

  /**
   * Fails a request and tells the other side to stop.
   * @returns false if there is no such request
   */
  fail(id: number, error: unknown): boolean {
    const pending = this.#pending.get(id);
    if (pending === undefined) return false;
    this.#pending.delete(id);
    pending.fail(error);
    this.#cancel(id);
    return true;
  }

  /** Fails all open requests, and all later ones. */
  end(error: Error): void {
    this.#end ??= error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { fail } of pending) fail(error);
  }

  #cancel(id: number): void {
    this.#send({ kind: 'cancel', id });
  }

  #parse<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw this.#odd(what, complaint(parsed.error));
  }

  #odd(what: string, fault: string): OddMessage {
    return new OddMessage(`${this.#who} answered “${what}” with something odd: ${fault}`);
  }
}
