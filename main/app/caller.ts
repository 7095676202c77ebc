/**
 * One window's side of the contract in the main process: receives calls, sends answers and events.
 */

import { z } from 'zod';
import {
  calls,
  callSchemas,
  type CallName,
  type ContractFailure,
  type Inputs,
  type Outputs,
  type Progresses,
} from '../../preload/contract/contract.ts';
import { toMainSchema, type ToCaller } from '../../preload/contract/wire.ts';
import type { EventHub } from '../base/events.ts';
import { describeError, Refusal } from '../base/refusal.ts';

export interface CallContext<N extends CallName> {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progresses[N]) => void;
}

export type Handlers = {
  readonly [N in CallName]: (
    input: Inputs[N],
    context: CallContext<N>,
  ) => Promise<Outputs[N]> | Outputs[N];
};

export interface CallerOptions {
  readonly handlers: Handlers;
  readonly events: EventHub;
  readonly post: (message: ToCaller) => void;
  /** Called for bugs. */
  readonly onBug: (error: unknown) => void;
}

/** More simultaneous calls than any window makes. */
const callsMax = 1000;

export class Caller {
  readonly #options: CallerOptions;
  readonly #running = new Map<number, AbortController>();
  readonly #stopListening: () => void;
  #isClosed = false;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#stopListening = options.events.listen((name, event) => {
      options.post({ kind: 'event', name, event });
    });
  }

  /** Handles a message of the window, valid or not. Never throws; invalid messages are dropped. */
  receive(unknown: unknown): void {
    const parsed = toMainSchema.safeParse(unknown);
    if (!parsed.success || this.#isClosed) return;
    const message = parsed.data;
    if (message.kind === 'cancel') {
      this.#running.get(message.id)?.abort();
    } else if (this.#running.has(message.id) || this.#running.size >= callsMax) {
      this.#fail(message.id, { code: 'bad-argument', message: 'too many calls, or one twice' });
    } else {
      void this.#answer(message.id, message.name, message.input);
    }
  }

  /** The window is gone, so its running calls are aborted. */
  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    for (const controller of this.#running.values()) controller.abort();
  }

  async #answer(id: number, name: string, input: unknown): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      if (!isCallName(name)) throw new Refusal('bad-argument', 'there is no such call');
      const output = await this.#call(name, id, input, controller.signal);
      this.#post({ kind: 'reply', id, output });
    } catch (error) {
      this.#fail(id, this.#failureOf(error));
    } finally {
      this.#running.delete(id);
    }
  }

  async #call<N extends CallName>(
    name: N,
    id: number,
    input: unknown,
    signal: AbortSignal,
  ): Promise<Outputs[N]> {
    const schemas = callSchemas[name];
    const parsed = schemas.input.safeParse(input);
    if (!parsed.success)
      throw new Refusal('bad-argument', `${name}: ${z.prettifyError(parsed.error)}`);
    const output = await this.#options.handlers[name](parsed.data, {
      signal,
      onProgress: (progress) => {
        this.#post({ kind: 'progress', id, progress });
      },
    });
    return schemas.output.parse(output);
  }

  #failureOf(error: unknown): ContractFailure {
    if (error instanceof Refusal) return { code: error.code, message: describeError(error) };
    this.#options.onBug(error);
    return { code: 'bug', message: describeError(error) };
  }

  #fail(id: number, failure: ContractFailure): void {
    this.#post({ kind: 'fail', id, failure });
  }

  #post(message: ToCaller): void {
    if (!this.#isClosed) this.#options.post(message);
  }
}

function isCallName(name: string): name is CallName {
  return Object.hasOwn(calls, name);
}
