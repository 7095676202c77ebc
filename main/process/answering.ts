/** The answering side of a wire: the calls that can be made here, and those being answered. */

import { complaint, type Call, type Message } from './call.ts';
import { failureOf } from './failure.ts';
import type { Movable } from './port.ts';

export interface AnswerContext<P> {
  /** Aborted when the asking side cancels or is gone. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: P) => void;
  /** Transfers this with the answer instead of copying it. */
  readonly move: (movable: Movable) => void;
}

export type Handler<I, O, P> = (input: I, context: AnswerContext<P>) => Promise<O> | O;

type Work = (id: number, input: unknown, signal: AbortSignal) => Promise<void>;

export class Answering {
  readonly #send: (message: Message, moved?: readonly Movable[]) => void;
  readonly #works = new Map<string, Work>();
  readonly #running = new Map<number, AbortController>();

  constructor(send: (message: Message, moved?: readonly Movable[]) => void) {
    this.#send = send;
  }

  /** See `Peer.answer`. */
  answer<I, O, P>(call: Call<I, O, P>, handler: Handler<I, O, P>): void {
    this.#works.set(call.name, async (id, input, signal) => {
      const parsed = call.input.safeParse(input);
      if (!parsed.success) {
        throw new Error(`“${call.name}” was asked with something odd: ${complaint(parsed.error)}`);
      }
      const moved: Movable[] = [];
      const output = await handler(parsed.data, {
        signal,
        onProgress: (progress) => {
          // Progress after the answer would be meaningless.
          if (this.#running.has(id)) this.#send({ kind: 'progress', id, progress });
        },
        move: (movable) => moved.push(movable),
      });
      this.#send({ kind: 'answer', id, output }, moved);
    });
  }

  cancel(id: number): void {
    this.#running.get(id)?.abort();
  }

  /** @returns false if a request of that id is already being answered; then this one is dropped */
  receive(id: number, name: unknown, input: unknown): boolean {
    if (this.#running.has(id)) return false;
    void this.#work(id, name, input);
    return true;
  }

  /** The asking side is gone, so everything running for it stops. */
  end(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  async #work(id: number, name: unknown, input: unknown): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const work = typeof name === 'string' ? this.#works.get(name) : undefined;
      if (work === undefined) {
        throw new Error(`there is no call “${typeof name === 'string' ? name.slice(0, 80) : ''}”`);
      }
      await work(id, input, controller.signal);
    } catch (error) {
      this.#send({ kind: 'failed', id, failure: failureOf(error) });
    } finally {
      this.#running.delete(id);
    }
  }
}
