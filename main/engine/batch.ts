/**
 * Sends many photos through one engine, with as many under way as keep it busy. A photo that fails
 * does not affect the others, but a full disk ends the batch.
 */

import { basename, extname } from 'node:path';
import type { ConflictPolicy } from '../../preload/contract/choices.ts';
import type { RecordTerms } from '../export/kept-records.ts';
import { extension, OutputNames, type Reservation } from '../export/naming.ts';
import { openOutputFolder, sweepTemporaries } from '../base/atomic.ts';
import { Refusal } from '../base/refusal.ts';
import type { Edit, Output, PhotoProgress } from './protocol.ts';
import type { Enhanced } from './protocol.ts';
import type { Engine } from './supervisor.ts';

export interface BatchOrder {
  readonly photos: readonly string[];
  readonly folder: string;
  readonly onConflict: ConflictPolicy;
  readonly edit: Edit;
  readonly output: Output;
  readonly records?: RecordTerms;
}

export type PhotoOutcome =
  | ({ readonly kind: 'done' } & Enhanced)
  | { readonly kind: 'skipped'; readonly photo: string; readonly path: string }
  | { readonly kind: 'failed'; readonly photo: string; readonly error: unknown }
  /**
   * Not started, or cancelled, because another photo failed for a reason that affects this one too,
   * such as a full disk.
   */
  | { readonly kind: 'left'; readonly photo: string; readonly error: Refusal };

export interface BatchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (photo: string, progress: PhotoProgress) => void;
  readonly onOutcome: (outcome: PhotoOutcome) => void;
}

/**
 * While one photo is in the network, another is encoded or decoded. Both together take less time
 * than the network, so a third photo would only use memory.
 */
const photosUnderWay = 2;

/**
 * Enhances photos into a folder and reports each outcome as it comes. Once the disk is full, photos
 * under way are cancelled, and all unfinished ones are reported as `left`.
 * @throws Refusal `disk` if the folder cannot be written to, before the first photo
 */
export async function enhanceBatch(
  engine: Engine,
  order: BatchOrder,
  { signal, onProgress, onOutcome }: BatchOptions,
): Promise<void> {
  await openOutputFolder(order.folder);
  const names = new OutputNames(order.folder, order.onConflict, order.photos);
  const waiting = [...order.photos];
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  let lasting: Refusal | undefined;

  const work = async (): Promise<void> => {
    for (let photo = waiting.shift(); photo !== undefined; photo = waiting.shift()) {
      if (signal?.aborted === true) return;
      if (lasting !== undefined) {
        onOutcome(leftBy(lasting, photo));
        continue;
      }
      try {
        onOutcome(await one(photo));
      } catch (error) {
        onOutcome(failed(photo, error));
      }
    }
  };

  const leftBy = (reason: Refusal, photo: string): PhotoOutcome => {
    const picture = basename(photo, extname(photo)) + extension[order.output.format];
    return {
      kind: 'left',
      photo,
      error: reason.saying(`${picture} is not made: ${reason.message}`),
    };
  };

  const failed = (photo: string, error: unknown): PhotoOutcome => {
    const isBrokenOff = error instanceof Refusal && error.code === 'cancelled';
    if (isBrokenOff && lasting !== undefined) return leftBy(lasting, photo);
    if (error instanceof Refusal && error.isLasting) {
      lasting ??= error;
      stop.abort();
    }
    return { kind: 'failed', photo, error };
  };

  const one = async (photo: string): Promise<PhotoOutcome> => {
    let target: Reservation = await names.reserve(photo, order.output.format);
    for (;;) {
      if (target.isThereAlready) return { kind: 'skipped', photo, path: target.path };
      const outcome = await engine.enhance(
        {
          photo,
          target: target.path,
          overwrite: target.overwrite,
          edit: order.edit,
          output: order.output,
          ...(order.records === undefined ? {} : { records: order.records }),
        },
        { signal: either, onProgress: (progress) => onProgress?.(photo, progress) },
      );
      if (outcome !== 'taken') return { kind: 'done', ...outcome };
      target = await names.reserveNext(target);
    }
  };

  await Promise.all(Array.from({ length: photosUnderWay }, work));
  // An engine killed while writing leaves temporary files behind.
  await sweepTemporaries(order.folder);
}
