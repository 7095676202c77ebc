/** Names for the queue's pictures. After a retry, an item keeps the name it had before. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ExportChoice } from '../../preload/contract/settings.ts';
import { openOutputFolder } from '../base/atomic.ts';
import { Refusal } from '../base/refusal.ts';
import { OutputNames, type Reservation } from '../export/naming.ts';
import { outputFolderName } from '../library/folder.ts';
import type { SavedItem } from './saved-queue.ts';

/** @throws Refusal `disk` */
export interface PictureNames {
  /** @param photoPath its stem becomes the picture's */
  reserve(photoPath: string): Promise<Reservation>;
  /** Used when the last name was taken in the meantime. */
  reserveNext(): Promise<Reservation>;
}

export class ItemNames {
  /** By batch and folder. */
  readonly #names = new Map<string, OutputNames>();
  /** By item: the name that a retry may use again. */
  readonly #targets = new Map<string, Reservation>();

  /**
   * The names for one item; creates its folder.
   * @param originals every photo of its batch
   * @throws Refusal `disk`
   */
  async of(
    { id, batch, photo, burst }: SavedItem,
    choice: ExportChoice,
    originals: () => readonly string[],
  ): Promise<PictureNames> {
    // If the photo's disk is missing, a folder created at its mount point would block its return.
    if (!existsSync(photo))
      throw new Refusal('disk', `${path.basename(photo)} cannot be read: there is no such file`);
    // A merged frame is a photo again, so it is put where the library shows it.
    const own = burst?.isKept === true ? path.dirname(photo) : undefined;
    const beside = own ?? path.join(path.dirname(photo), outputFolderName);
    const folder = choice.folder ?? beside;
    const key = `${batch}\n${folder}`;
    let names = this.#names.get(key);
    if (names === undefined) {
      names = new OutputNames(folder, choice.onConflict, originals());
      this.#names.set(key, names);
      try {
        await openOutputFolder(folder);
      } catch (error) {
        this.#names.delete(key);
        throw error;
      }
    }
    return this.#namesOf(id, names, choice);
  }

  forgetItem(id: string): void {
    this.#targets.delete(id);
  }

  forgetBatch(batch: string): void {
    for (const key of this.#names.keys()) if (key.startsWith(batch)) this.#names.delete(key);
  }

  #namesOf(id: string, names: OutputNames, { output }: ExportChoice): PictureNames {
    const keep = (target: Reservation): Reservation => {
      this.#targets.set(id, target);
      return target;
    };
    return {
      reserve: async (photoPath) => {
        const own = this.#targets.get(id);
        const isFree = own !== undefined && (own.overwrite || !existsSync(own.path));
        return isFree ? own : keep(await names.reserve(photoPath, output.format));
      },
      reserveNext: async () => {
        const own = this.#targets.get(id);
        if (own === undefined) throw new Error('expected a name before the next one');
        return keep(await names.reserveNext(own));
      },
    };
  }
}
