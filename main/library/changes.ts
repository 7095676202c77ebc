/** Makes changes of edits and ratings, keeps a journal of them, and takes them back. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Outputs } from '../../preload/contract/contract.ts';
import { recorded, type Made } from './history.ts';
import { Journal, kindOf, taken, type Change, type Direction } from './journal.ts';
import { photoIdOf } from './photo-id.ts';
import type { Sidecar } from './sidecar-form.ts';
import type { Sidecars } from './sidecar.ts';

export interface Written extends Change {
  /** False where it lies in the app's own data. */
  readonly isBeside: boolean;
}

export class Changes {
  readonly #sidecars: Sidecars;
  readonly #onWritten: (done: readonly Written[]) => void;
  readonly #journal = new Journal();
  /** What is under way: only then is it known which change is the last. */
  #underWay: Promise<unknown> = Promise.resolve();

  /** @param onWritten told of the changes of each command, also of one that a full disk cut short */
  constructor(sidecars: Sidecars, onWritten: (done: readonly Written[]) => void) {
    this.#sidecars = sidecars;
    this.#onWritten = onWritten;
  }

  get steps(): Outputs['library.steps'] {
    const { canUndo, canRedo } = this.#journal;
    return { canUndo, canRedo };
  }

  /**
   * @param run undone together with the changes of the same run right before
   * @param ready awaited first; the change counts as begun before
   * @throws Refusal as `Sidecars.update`; the photos before that are changed, and can be undone
   */
  async make(
    files: readonly string[],
    change: (sidecar: Sidecar, file: string) => Sidecar,
    {
      run,
      ready = Promise.resolve(),
    }: { readonly run?: string | undefined; readonly ready?: Promise<void> },
  ): Promise<void> {
    const targets = files.map((file) => ({
      file,
      change: (sidecar: Sidecar) => change(sidecar, file),
    }));
    const making = ready.then(() =>
      this.#write(targets, {
        goesOn: run !== undefined && this.#journal.next('undo')?.run === run,
        isTravel: false,
        remember: (done) => {
          this.#journal.record(done, run);
        },
      }),
    );
    this.#underWay = Promise.allSettled([this.#underWay, making]);
    await making;
  }

  /**
   * Undoes the last change, in whichever folder it was, or does it again. Photos that are not there any
   * more are passed over.
   * @returns nothing where there is no such change
   * @throws Refusal as `Sidecars.update`; the change can be undone once more then
   */
  travel(direction: Direction): Promise<Outputs['library.undo']> {
    const travelling = this.#underWay.catch(() => undefined).then(() => this.#travel(direction));
    this.#underWay = travelling;
    return travelling;
  }

  async #travel(direction: Direction): Promise<Outputs['library.undo']> {
    const step = this.#journal.next(direction);
    if (step === undefined) return {};
    const there = step.changes.filter(({ file }) => existsSync(file));
    const targets = there.map((made) => ({
      file: made.file,
      change: (sidecar: Sidecar) => taken(made, direction, sidecar),
    }));
    await this.#write(targets, {
      goesOn: false,
      isTravel: true,
      remember: (done) => {
        if (done.length === targets.length) this.#journal.moved(direction);
      },
    });
    const [first] = there;
    return {
      step: {
        kind: kindOf(step),
        photos: there.map(({ file }) => photoIdOf(file)),
        ...(first === undefined ? {} : { name: path.basename(first.file) }),
      },
    };
  }

  /** Told by `remember` of what was written before anybody else is; the photos' histories grow. */
  async #write(
    targets: readonly {
      readonly file: string;
      readonly change: (sidecar: Sidecar) => Sidecar;
    }[],
    {
      remember,
      ...how
    }: Omit<Made, 'at'> & { readonly remember: (done: readonly Written[]) => void },
  ): Promise<void> {
    const made = { ...how, at: new Date().toISOString() };
    const done: Written[] = [];
    try {
      for (const { file, change } of targets) {
        const { before, sidecar, isBeside } = await this.#sidecars.update(file, (now) => {
          const after = change(now);
          const edits = { before: now.edits, after: after.edits };
          return { ...after, history: recorded(now.history, edits, made) };
        });
        done.push({ file, before, after: sidecar, isBeside });
      }
    } finally {
      remember(done);
      this.#onWritten(done);
    }
  }
}
