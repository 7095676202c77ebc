/**
 * The boundary between two processes or threads: each has a `Peer` for the other, to ask it and
 * answer it.
 *
 * Whatever the other side sends, nothing here throws into the event loop. An invalid message fails
 * the request it belongs to, or is dropped with a warning if it belongs to none.
 */

import { z } from 'zod';
import { describeError, Refusal } from '../base/refusal.ts';
import { Answering, type Handler } from './answering.ts';
import { Asking, Ended, OddMessage, type AskOptions } from './asking.ts';
import { complaint, messageSchema, type Call, type Message, type Note } from './call.ts';
import type { Connect, Movable, Port } from './port.ts';

export interface PeerOptions {
  /** Called when a valid message has arrived. */
  readonly onHeard?: () => void;
  /** Called when the other side ended, unless by `close`. Its requests fail right afterwards. */
  readonly onExit?: (reason: string) => void;
  /**
   * Called with a description of each dropped message. By default, the first one causes a process
   * warning.
   */
  readonly onOdd?: (account: string) => void;
}

const named = z.object({ id: z.number() });

export class Peer {
  /** Its name in messages for people, such as "the engine". */
  readonly #who: string;
  readonly #options: PeerOptions;
  readonly #port: Port;
  readonly #asking: Asking;
  readonly #answering: Answering;
  readonly #notes = new Map<string, (value: unknown) => void>();
  #hasEnded = false;
  #hasWarned = false;
  #killedFor: string | undefined;

  constructor(who: string, connect: Connect, options: PeerOptions = {}) {
    this.#who = who;
    this.#options = options;
    const send = (message: Message, moved?: readonly Movable[]): void => {
      if (!this.#hasEnded) this.#port.send(message, moved);
    };
    this.#asking = new Asking(who, send);
    this.#answering = new Answering(send);
    this.#port = connect({
      receive: (message) => {
        this.#receive(message);
      },
      exit: (reason, cause) => {
        this.#exit(reason, cause);
      },
    });
  }

  /**
   * Asks the other side.
   * @throws what the other side's handler throws: a Refusal as a Refusal, a bug with its stack
   * @throws Refusal `cancelled`; `Ended` if the other side ends first; `OddMessage`; `TooLate`
   */
  ask<I, O, P>(call: Call<I, O, P>, input: I, options?: AskOptions<P>): Promise<O> {
    return this.#asking.ask(call, input, options);
  }

  /**
   * Answers every request of this kind from now on. What `handler` throws is sent to the asking
   * side.
   */
  answer<I, O, P>(call: Call<I, O, P>, handler: Handler<I, O, P>): void {
    this.#answering.answer(call, handler);
  }

  /** Sends a note to the other side, which may already be gone. */
  tell<T>(note: Note<T>, value: T, move?: readonly Movable[]): void {
    if (this.#hasEnded) return;
    this.#port.send({ kind: 'note', name: note.name, value } satisfies Message, move);
  }

  /** Each note has one listener. */
  listen<T>(note: Note<T>, listener: (value: T) => void): void {
    this.#notes.set(note.name, (value) => {
      const parsed = note.value.safeParse(value);
      if (parsed.success) listener(parsed.data);
      else this.#drop(`the note “${note.name}” with ${complaint(parsed.error)}`);
    });
  }

  /** Kills the other side; `reason` is reported as how it ended, as in `PortListener.exit`. */
  kill(reason?: string): void {
    this.#killedFor ??= reason;
    this.#port.kill();
  }

  /** Ends the other side; requests to it fail with `error`. */
  close(error: Error = new Refusal('cancelled', 'cancelled')): void {
    this.#hasEnded = true;
    this.#asking.end(error);
    this.#answering.end();
    this.#port.kill();
  }

  #exit(exitReason: string, cause: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const reason = this.#killedFor ?? exitReason;
    this.#asking.end(new Ended(this.#who, reason, cause));
    this.#answering.end();
    this.#options.onExit?.(reason);
  }

  #receive(unknown: unknown): void {
    if (this.#hasEnded) return;
    try {
      const parsed = messageSchema.safeParse(unknown);
      if (parsed.success) {
        this.#options.onHeard?.();
        this.#take(parsed.data);
      } else {
        this.#refuse(unknown, complaint(parsed.error));
      }
    } catch (error) {
      // Thrown by a getter of the message, or by a listener of ours.
      this.#drop(`a message: ${describeError(error)}`);
    }
  }

  #take(message: Message): void {
    switch (message.kind) {
      case 'ask':
        if (!this.#answering.receive(message.id, message.name, message.input)) {
          this.#drop(`request ${message.id}, which is under way already`);
        }
        break;
      case 'cancel':
        this.#answering.cancel(message.id);
        break;
      case 'note': {
        const receive = typeof message.name === 'string' && this.#notes.get(message.name);
        if (receive) receive(message.value);
        else this.#drop('a note that nobody here knows');
        break;
      }
      default:
        this.#asking.receive(message);
    }
  }

  #refuse(unknown: unknown, fault: string): void {
    const request = named.safeParse(unknown).data;
    const error = new OddMessage(`${this.#who} sent something odd: ${fault}`);
    if (request === undefined || !this.#asking.fail(request.id, error)) this.#drop(fault);
  }

  #drop(account: string): void {
    const text = `dropped from ${this.#who}: ${account}`.slice(0, 500);
    if (this.#options.onOdd !== undefined) this.#options.onOdd(text);
    else if (!this.#hasWarned) process.emitWarning(text, 'OddMessage');
    this.#hasWarned = true;
  }
}
