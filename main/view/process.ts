/** The app's side of the viewing process: starts it when needed, and restarts it after it ended. */

import path from 'node:path';
import { Ended } from '../process/asking.ts';
import type { Call } from '../process/call.ts';
import { forkNode } from '../process/fork.ts';
import { Peer } from '../process/peer.ts';
import type { Connect } from '../process/port.ts';
import { Refusal } from '../base/refusal.ts';
import { viewCalls, type Facts, type Opened, type PictureJob } from './protocol.ts';
import type { Picture } from '../engine/protocol.ts';

/** Starts the viewing process as a Node process. */
export const spawnNodeView: Connect = forkNode(new URL('./child.ts', import.meta.url));

/** A photo is given up after the process has ended this many times while working on it. */
const crashesMax = 2;

/**
 * Requests about photos. Each method throws Refusals as `decodeRaw`, and `cancelled` at once when
 * aborted.
 */
export class View {
  readonly #spawn: Connect;
  #process: Peer | undefined;
  #isClosed = false;

  constructor(spawn: Connect) {
    this.#spawn = spawn;
  }

  /** What the header tells; undefined if it tells nothing. */
  async header(photo: string, signal?: AbortSignal): Promise<Facts | undefined> {
    return (await this.#ask(viewCalls.header, { photo }, signal)).facts;
  }

  describe(photo: string, signal?: AbortSignal): Promise<Facts> {
    return this.#ask(viewCalls.describe, { photo }, signal);
  }

  open(photo: string, signal?: AbortSignal): Promise<Opened> {
    return this.#ask(viewCalls.open, { photo }, signal);
  }

  picture(job: PictureJob, signal?: AbortSignal): Promise<Picture> {
    return this.#ask(viewCalls.picture, job, signal);
  }

  close(): void {
    this.#isClosed = true;
    this.#process?.close();
  }

  /** Any photo in progress may have caused the crash, so a photo with two crashes is given up. */
  async #ask<I extends { readonly photo: string }, O>(
    call: Call<I, O, never>,
    input: I,
    signal: AbortSignal | undefined,
  ): Promise<O> {
    for (let crashes = 1; ; crashes++) {
      if (this.#isClosed) throw new Refusal('cancelled', 'cancelled');
      try {
        this.#process ??= this.#start();
        return await this.#process.ask(call, input, { signal });
      } catch (error) {
        if (!(error instanceof Ended)) throw error;
        if (crashes < crashesMax) continue;
        const name = path.basename(input.photo);
        throw new Refusal(
          'damaged-file',
          `${name} cannot be shown: looking at it ended ${error.reason}`,
        );
      }
    }
  }

  #start(): Peer {
    const started = new Peer('the viewing process', this.#spawn, {
      onExit: () => {
        if (this.#process === started) this.#process = undefined;
      },
    });
    return started;
  }
}
